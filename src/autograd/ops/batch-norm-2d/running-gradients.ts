/** The gradients through a batch norm with running statistics, which are constants, and what follows it. */
import { batchNormMaskedRunningBackward } from '../../../kernels/batch-norm-2d/masked-running-backward.js'
import { batchNormRunningBackward } from '../../../kernels/batch-norm-2d/running-backward.js'
import type { Tensor } from '../../tensor.js'
import { gradientBeforeRelu } from '../relu.js'

/** What a batch norm multiplies its input by: weight / sqrt(variance + eps), all [C]. */
export interface Scaling {
  readonly variance: Tensor
  readonly weight: Tensor
  readonly eps: number
}

/**
 * The gradients of the input and of the residual of relu(input * scale + residual), in one pass.
 *
 * @param gradient [N, H, W, C]
 * @param output what the ReLU gave, if there was one
 * @param needs which of them are wanted
 */
export function runningGradients(
  gradient: Tensor,
  output: Tensor | undefined,
  scaling: Scaling,
  needs: { readonly input: boolean; readonly residual: boolean },
): { input: Tensor | undefined; residual: Tensor | undefined } {
  if (!needs.input)
    return { input: undefined, residual: needs.residual ? gradientBeforeRelu(gradient, output) : undefined }
  const { engine } = gradient
  const input = engine.empty(gradient.shape, gradient.dtype)
  const channels = gradient.shape.at(-1)!
  const shape = { rows: gradient.size / channels, channels }
  const buffers = {
    outputGradient: gradient.buffer,
    variance: scaling.variance.buffer,
    weight: scaling.weight.buffer,
    inputGradient: input.buffer,
  }
  if (!output || !needs.residual) {
    batchNormRunningBackward(engine.device, { ...buffers, output: output?.buffer }, shape, scaling)
    return { input, residual: needs.residual ? gradient : undefined }
  }
  const residual = engine.empty(gradient.shape, gradient.dtype)
  batchNormMaskedRunningBackward(
    engine.device,
    { ...buffers, output: output.buffer, maskedGradient: residual.buffer },
    shape,
    scaling,
  )
  return { input, residual }
}
