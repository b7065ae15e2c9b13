/** What the gradient rules of all modes have in common: sums over the batch. */
import { planColumnReduction } from '../../../kernels/batch-norm-2d/column-reduction.js'
import type { RowsOfChannels } from '../../../kernels/batch-norm-2d/column-tile.js'
import { batchNormSums } from '../../../kernels/batch-norm-2d/sums.js'
import type { Tensor } from '../../tensor.js'

/** A batch norm that has run, and what follows it. */
export interface Normalization {
  readonly input: Tensor
  readonly residual: Tensor | undefined
  readonly weight: Tensor
  readonly bias: Tensor
  /** Those that it used: of the batch, or running ones. */
  readonly mean: Tensor
  readonly variance: Tensor
  readonly output: Tensor
  readonly relu: boolean
  readonly eps: number
  readonly shape: RowsOfChannels
}

export interface GradientSums {
  /** The gradient in front of the ReLU; `gradient` itself unless there was an `output` to find it by. */
  readonly dy: Tensor
  /** [C]; the bias's gradient. */
  readonly gradientSum: Tensor
  /** [C]; the weight's gradient. */
  readonly productSum: Tensor
  /** [2, C]; both, divided by the number of rows. */
  readonly gradientMeans: Tensor
}

/**
 * @param saved without `input`, the sums of products are garbage. What a ReLU set to zero is found by its `output`, or by
 *   `parameters` of the batch norm and its input, whose dy no kernel writes; without both, there is no ReLU
 * @param destinations [C]; are written, and returned as `productSum` and `gradientSum`. New memory where there is none
 */
export function sumGradients(
  gradient: Tensor,
  saved: {
    readonly input?: Tensor | undefined
    readonly mean: Tensor
    readonly variance: Tensor
    readonly output?: Tensor | undefined
    readonly parameters?: { readonly weight: Tensor; readonly bias: Tensor } | undefined
  },
  { shape, eps }: Pick<Normalization, 'shape' | 'eps'>,
  destinations: { readonly weight: Tensor | undefined; readonly bias: Tensor | undefined },
): GradientSums {
  const { engine } = gradient
  const { channels } = shape
  const { output, parameters } = saved
  const reduction = planColumnReduction(engine.device, shape, gradient.buffer.half)
  const partials = engine.empty([reduction.chunks, channels, 2])
  const gradientSum = destinations.bias ?? engine.empty([channels])
  const productSum = destinations.weight ?? engine.empty([channels])
  const gradientMeans = engine.empty([2, channels])
  const dy = output ? engine.empty(gradient.shape, gradient.dtype) : gradient
  batchNormSums(
    engine.device,
    {
      // where only the bias needs a gradient nobody saved the input: any array of its size will do
      input: (saved.input ?? gradient).buffer,
      outputGradient: gradient.buffer,
      mean: saved.mean.buffer,
      variance: saved.variance.buffer,
      relu: parameters && { weight: parameters.weight.buffer, bias: parameters.bias.buffer },
      masked: output && { output: output.buffer, maskedGradient: dy.buffer },
      partials: partials.buffer,
      gradientSum: gradientSum.buffer,
      productSum: productSum.buffer,
      gradientMeans: gradientMeans.buffer,
    },
    reduction,
    { eps },
  )
  return { dy, gradientSum, productSum, gradientMeans }
}
