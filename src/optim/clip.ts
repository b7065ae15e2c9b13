/** Gradient clipping, between `backward()` and `step()`. Nothing is read back. */
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { clipClamp } from '../kernels/clip/clamp.js'
import { clipNorm } from '../kernels/clip/norm.js'
import { clipScale } from '../kernels/clip/scale.js'
import { sumSquares } from '../kernels/clip/sum-squares.js'

/** Stands for infinity, which WGSL need not know. */
const largest = 3.4028234663852886e38

/**
 * Scales all gradients by one factor, in place, so that the norm of all of them together is at most `maxNorm`. The sums
 * are trees in a fixed order: the same gradients give the same bits. If a gradient is not finite, neither are the
 * clipped ones, as in PyTorch.
 *
 * @param parameters those without a gradient are left out
 * @param maxNorm may be Infinity, which measures the norm only
 * @returns the norm before clipping, a tensor of shape [], on the GPU: `await norm.item()` waits for it
 * @throws OptionError for a negative norm, or without parameters
 * Source: torch.nn.utils.clip_grad_norm_ with norm_type 2.
 */
export function clipGradNorm(parameters: Iterable<Tensor>, maxNorm: number): Tensor {
  if (typeof maxNorm !== 'number' || !(maxNorm >= 0)) {
    throw new OptionError('clipGradNorm: maxNorm', 'a number that is not negative', maxNorm)
  }
  const all = [...parameters]
  if (!all[0]) throw new OptionError('clipGradNorm: parameters', 'at least one tensor', 'none')
  const { engine } = all[0]
  const gradients = gradientsOf(all, 'clipGradNorm')
  if (gradients.length === 0) return engine.zeros([])
  return engine.scope(() => {
    const { device } = engine
    const norm = engine.empty([])
    const factor = engine.empty([])
    const { partials, count } = sumSquares(device, gradients)
    clipNorm(device, {
      partials,
      count,
      maxNorm: Math.min(maxNorm, largest),
      norm: norm.buffer,
      factor: factor.buffer,
    })
    partials.release()
    for (const { buffer, size } of gradients) clipScale(device, { gradient: buffer, factor: factor.buffer, size })
    return norm
  })
}

/**
 * Limits every element of all gradients to the range from -maxValue to maxValue, in place. NaN stays NaN.
 *
 * @param parameters those without a gradient are left out
 * @throws OptionError for a negative value
 * Source: torch.nn.utils.clip_grad_value_.
 */
export function clipGradValue(parameters: Iterable<Tensor>, maxValue: number): void {
  if (typeof maxValue !== 'number' || !(maxValue >= 0)) {
    throw new OptionError('clipGradValue: maxValue', 'a number that is not negative', maxValue)
  }
  const all = [...parameters]
  for (const { buffer, size } of gradientsOf(all, 'clipGradValue')) {
    clipClamp(all[0]!.engine.device, { gradient: buffer, size, limit: Math.min(maxValue, largest) })
  }
}

/** The memory of the gradients that there are, about to be written. */
function gradientsOf(parameters: readonly Tensor[], operation: string) {
  return parameters.flatMap(({ grad }) => {
    if (!grad) return []
    grad.beforeInPlaceWrite(operation)
    return [{ buffer: grad.buffer, size: grad.size }]
  })
}
