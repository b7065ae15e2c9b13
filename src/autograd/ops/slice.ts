/** Cuts a block out of a tensor. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { formatShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { pad } from './pad.js'

export interface SliceOptions {
  /** The first element along each dimension. */
  readonly starts: readonly number[]
  /** The element after the last one along each dimension. */
  readonly ends: readonly number[]
}

/**
 * The block of `input` from `starts` up to, but without, `ends`: dimension i of the result has length
 * `ends[i] - starts[i]`. A copy. f32, i32 or u32; at most 6 dimensions.
 *
 * @throws ShapeError when a bound lies outside of the input or the block is empty, OptionError when one is no integer
 */
export function slice(input: Tensor, { starts, ends }: SliceOptions): Tensor {
  const { shape } = input
  if (starts.length !== shape.length || ends.length !== shape.length) {
    throw new ShapeError(
      'slice',
      `a start and an end for each dimension of ${formatShape(shape)}`,
      `${formatShape(starts)} to ${formatShape(ends)}`,
    )
  }
  if (![...starts, ...ends].every(Number.isInteger)) {
    throw new OptionError('slice: starts and ends', 'integers', `${formatShape(starts)} and ${formatShape(ends)}`)
  }
  if (shape.some((length, i) => starts[i]! < 0 || ends[i]! > length || starts[i]! >= ends[i]!)) {
    throw new ShapeError(
      'slice',
      `a block of at least one element inside of ${formatShape(shape)}`,
      `${formatShape(starts)} to ${formatShape(ends)}`,
    )
  }
  return pad(input, { padding: shape.map((length, i) => [-starts[i]!, ends[i]! - length]) })
}
