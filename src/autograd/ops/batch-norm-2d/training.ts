/** The gradient rule in training, where mean and variance depend on the input. */
import { batchNormTrainingBackward } from '../../../kernels/batch-norm-2d/training-backward.js'
import { differentiable } from '../../tape.js'
import type { Tensor } from '../../tensor.js'
import { gradientBeforeRelu } from '../relu.js'
import { type Normalization, sumGradients } from './gradient-sums.js'

/**
 * Puts a batch norm on the tape. Where its ReLU gave zero is computed again from its input, which has to be read anyway; with
 * a residual, that is only known from the output.
 */
export function recordTraining(normalization: Normalization): Tensor {
  const { input, residual, weight, bias, mean, variance, output, relu } = normalization
  const seenInInput = relu && !residual
  return differentiable({
    name: 'batchNorm2d',
    inputs: { input, weight, bias, residual },
    output,
    saves: (needs) => {
      const sums = needs.input || needs.weight || needs.bias
      return {
        mean: sums ? mean : undefined,
        variance: sums ? variance : undefined,
        input: needs.input || needs.weight || (sums && seenInInput) ? input : undefined,
        weight: needs.input || (sums && seenInInput) ? weight : undefined,
        bias: sums && seenInInput ? bias : undefined,
        output: relu && residual ? output : undefined,
      }
    },
    gradients: ({ gradient, saved, needs, into }) => {
      if (!needs.input && !needs.weight && !needs.bias) return { residual: gradientBeforeRelu(gradient, saved.output) }
      const parameters = seenInInput ? { weight: saved.weight, bias: saved.bias } : undefined
      const { dy, gradientSum, productSum, gradientMeans } = sumGradients(
        gradient,
        { ...saved, parameters },
        normalization,
        { weight: needs.weight ? into('weight') : undefined, bias: needs.bias ? into('bias') : undefined },
      )
      return {
        input: needs.input ? inputGradient(dy, { ...saved, gradientMeans }, normalization) : undefined,
        weight: needs.weight ? productSum : undefined,
        bias: needs.bias ? gradientSum : undefined,
        residual: needs.residual ? dy : undefined,
      }
    },
  })
}

/** @param tensors with a `bias` where a ReLU is yet to be considered, whose zeros are seen in the input */
function inputGradient(
  dy: Tensor,
  tensors: {
    readonly input: Tensor
    readonly mean: Tensor
    readonly variance: Tensor
    readonly weight: Tensor
    readonly bias?: Tensor
    readonly gradientMeans: Tensor
  },
  { shape, eps }: Normalization,
): Tensor {
  const { engine } = dy
  const result = engine.empty(dy.shape, dy.dtype)
  batchNormTrainingBackward(
    engine.device,
    {
      outputGradient: dy.buffer,
      input: tensors.input.buffer,
      mean: tensors.mean.buffer,
      variance: tensors.variance.buffer,
      weight: tensors.weight.buffer,
      bias: tensors.bias?.buffer,
      gradientMeans: tensors.gradientMeans.buffer,
      inputGradient: result.buffer,
    },
    shape,
    { eps },
  )
  return result
}
