/**
 * What may follow a convolution or a linear layer before its results are stored: a batch norm whose statistics and parameters
 * are constants, the addition of a residual, and a ReLU. Only the last result exists afterwards.
 */
import { ShapeError } from '../../device/errors.js'
import { withFoldedNormalization } from '../../kernels/batch-norm-2d/fold.js'
import type { Epilogue } from '../../kernels/matmul/epilogue.js'
import { formatShape, sameShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { type BatchNormParameters, checkParameters, defaultEps } from './batch-norm-2d/parameters.js'
import { runningGradients } from './batch-norm-2d/running-gradients.js'
import { gradientBeforeRelu } from './relu.js'

export interface EpilogueOptions {
  /** A batch norm in frozen mode, of the output channels; nothing by default. */
  readonly normalization?: BatchNormParameters | undefined
  /** Of the output's shape; added to the result. Nothing by default. */
  readonly residual?: Tensor | undefined
  /** Whether negative results are replaced by 0, after the residual was added; not by default. */
  readonly relu?: boolean | undefined
}

/** Throws `ShapeError` unless the options fit an output [..., channels] of f32 or f16. */
export function checkEpilogue(
  operation: string,
  { normalization, residual }: EpilogueOptions,
  output: Pick<Tensor, 'shape' | 'dtype'>,
): void {
  if (normalization) checkParameters(operation, normalization, output.shape.at(-1)!)
  if (!residual || (sameShape(residual.shape, output.shape) && residual.dtype === output.dtype)) return
  const expected = `a residual as ${output.dtype} ${formatShape(output.shape)}`
  throw new ShapeError(operation, expected, `${residual.dtype} ${formatShape(residual.shape)}`)
}

/** Calls a kernel with what follows it. */
export function withEpilogue<R>(
  bias: Tensor | undefined,
  { normalization, residual, relu }: EpilogueOptions,
  run: (epilogue: Epilogue) => R,
): R {
  const rest = { residual: residual?.buffer, relu }
  if (!normalization) return run({ bias: bias?.buffer, ...rest })
  const { weight, runningMean, runningVar, eps = defaultEps } = normalization
  return withFoldedNormalization(
    weight.engine.device,
    {
      weight: weight.buffer,
      bias: normalization.bias.buffer,
      mean: runningMean.buffer,
      variance: runningVar.buffer,
      convolutionBias: bias?.buffer,
      channels: weight.size,
      eps,
    },
    (scale, shift) => run({ scale, bias: shift, ...rest }),
  )
}

/** What `gradientsBehind` reads. `product` says whether anything in front of the epilogue needs a gradient. */
export function savedOfEpilogue({ normalization, relu }: EpilogueOptions, output: Tensor, product: boolean) {
  return {
    output: relu ? output : undefined,
    normWeight: product ? normalization?.weight : undefined,
    normVariance: product ? normalization?.runningVar : undefined,
  }
}

/**
 * The gradients of the product's results without the epilogue, and of the residual, as far as they are needed. They may be
 * the same tensor.
 */
export function gradientsBehind(
  gradient: Tensor,
  saved: { readonly output?: Tensor; readonly normWeight?: Tensor; readonly normVariance?: Tensor },
  { normalization }: EpilogueOptions,
  needs: { readonly product: boolean; readonly residual: boolean },
): { product: Tensor | undefined; residual: Tensor | undefined } {
  if (normalization) {
    const scaling = {
      variance: saved.normVariance!,
      weight: saved.normWeight!,
      eps: normalization.eps ?? defaultEps,
    }
    const { input, residual } = runningGradients(gradient, saved.output, scaling, {
      input: needs.product,
      residual: needs.residual,
    })
    return { product: input, residual }
  }
  const before = gradientBeforeRelu(gradient, saved.output)
  return { product: needs.product ? before : undefined, residual: needs.residual ? before : undefined }
}
