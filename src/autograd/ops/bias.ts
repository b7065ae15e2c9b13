/** The bias of convolutions and linear layers: one number for each position of the last dimension. */
import { ShapeError } from '../../device/errors.js'
import { reduceSum } from '../../kernels/reduce/sum.js'
import { formatShape } from '../shape.js'
import type { Tensor } from '../tensor.js'

/** Throws `ShapeError` unless there is no bias, or an f32 [length]. */
export function checkBias(operation: string, bias: Tensor | undefined, length: number): void {
  if (!bias || (bias.rank === 1 && bias.shape[0] === length && bias.dtype === 'f32')) return
  throw new ShapeError(operation, `bias as f32 [${length}]`, `${bias.dtype} ${formatShape(bias.shape)}`)
}

/**
 * The gradient of a bias: the sum of the output's gradient [..., length] over all but the last dimension.
 * @param sum [length]; is written, and returned
 */
export function sumOfColumns(gradient: Tensor, sum: Tensor): Tensor {
  const length = gradient.shape.at(-1)!
  reduceSum(gradient.engine.device, {
    input: gradient.buffer,
    output: sum.buffer,
    outer: 1,
    extent: gradient.size / length,
    inner: length,
  })
  return sum
}
