/** Detection of NaN and infinity. */
import { OptionError } from '../../device/errors.js'
import { fill } from '../../kernels/fill/fill.js'
import { countNonFinite as countKernel } from '../../kernels/non-finite/count.js'
import { checkDType } from '../check.js'
import type { Tensor } from '../tensor.js'

/**
 * How many elements of one or more f32 tensors are NaN or infinite, together: u32 []. It has no gradient.
 * Throws `OptionError` without any tensor and `ShapeError` for another type.
 */
export function countNonFinite(inputs: Tensor | readonly Tensor[]): Tensor {
  const tensors = 'engine' in inputs ? [inputs] : inputs
  const [first] = tensors
  if (!first) throw new OptionError('countNonFinite: inputs', 'at least one tensor', 'none')
  const { engine } = first
  const count = engine.empty([], 'u32')
  fill(engine.device, { output: count.buffer, size: 1, value: 0 }) // the bits of 0 are 0 in both types
  for (const tensor of tensors) {
    checkDType('countNonFinite', 'input', tensor, 'f32')
    countKernel(engine.device, { input: tensor.buffer, size: tensor.size, count: count.buffer })
  }
  return count
}
