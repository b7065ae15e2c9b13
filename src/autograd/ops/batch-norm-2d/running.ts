/** The gradient rule with running statistics, which are constants. */
import { batchNormMaskedRunningBackward } from '../../../kernels/batch-norm-2d/masked-running-backward.js'
import { batchNormRunningBackward } from '../../../kernels/batch-norm-2d/running-backward.js'
import { differentiable } from '../../tape.js'
import type { Tensor } from '../../tensor.js'
import { gradientBeforeRelu, type Normalization, sumGradients } from './gradient-sums.js'

/** The tensors that scale a gradient; `output` is that of a ReLU whose zeros the gradient does not have yet. */
interface Scaling {
  readonly variance: Tensor
  readonly weight: Tensor
  readonly output: Tensor | undefined
}

/** Puts a batch norm on the tape; in frozen mode its weight and bias are constants. */
export function recordRunning(normalization: Normalization, mode: 'evaluation' | 'frozen'): Tensor {
  const { input, residual, weight, bias, mean, variance, output, relu } = normalization
  const frozen = mode === 'frozen'
  return differentiable({
    name: 'batchNorm2d',
    inputs: { input, weight: frozen ? undefined : weight, bias: frozen ? undefined : bias, residual },
    output,
    saves: (needs) => {
      const sums = needs.weight || needs.bias
      return {
        mean: sums ? mean : undefined,
        variance: sums || needs.input ? variance : undefined,
        input: needs.weight ? input : undefined,
        scale: needs.input ? weight : undefined,
        output: relu ? output : undefined,
      }
    },
    gradients: ({ gradient, saved, needs }) => {
      if (needs.weight || needs.bias) {
        const { dy, gradientSum, productSum } = sumGradients(gradient, saved, normalization)
        const scaling = { variance: saved.variance, weight: saved.scale, output: undefined }
        return {
          input: needs.input ? inputGradient(dy, scaling, normalization) : undefined,
          weight: needs.weight ? productSum : undefined,
          bias: needs.bias ? gradientSum : undefined,
          residual: needs.residual ? dy : undefined,
        }
      }
      if (!needs.input) return { residual: gradientBeforeRelu(gradient, saved.output) }
      const scaling = { variance: saved.variance, weight: saved.scale, output: saved.output as Tensor | undefined }
      if (!needs.residual) return { input: inputGradient(gradient, scaling, normalization) }
      return bothGradients(gradient, scaling, normalization)
    },
  })
}

function inputGradient(gradient: Tensor, { variance, weight, output }: Scaling, { shape, eps }: Normalization): Tensor {
  const { engine } = gradient
  const result = engine.empty(gradient.shape)
  batchNormRunningBackward(
    engine.device,
    {
      outputGradient: gradient.buffer,
      output: output?.buffer,
      variance: variance.buffer,
      weight: weight.buffer,
      inputGradient: result.buffer,
    },
    shape,
    { eps },
  )
  return result
}

/** The gradients of input and residual, in one pass where there is a ReLU. */
function bothGradients(
  gradient: Tensor,
  scaling: Scaling,
  normalization: Normalization,
): { input: Tensor; residual: Tensor } {
  const { variance, weight, output } = scaling
  if (!output) return { input: inputGradient(gradient, scaling, normalization), residual: gradient }
  const { engine } = gradient
  const input = engine.empty(gradient.shape)
  const residual = engine.empty(gradient.shape)
  batchNormMaskedRunningBackward(
    engine.device,
    {
      outputGradient: gradient.buffer,
      output: output.buffer,
      variance: variance.buffer,
      weight: weight.buffer,
      inputGradient: input.buffer,
      maskedGradient: residual.buffer,
    },
    normalization.shape,
    { eps: normalization.eps },
  )
  return { input, residual }
}
