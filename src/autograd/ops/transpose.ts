/** Swaps two dimensions of a tensor. */
import { normalizeDim } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { permute } from './permute.js'

/**
 * `input` with two dimensions swapped, contiguous; `transpose(x, 0, 1)` is the transposed matrix. f32, f16, i32 or u32.
 * Negative dimensions count from the end. Throws `ShapeError` for a dimension that the tensor does not have.
 */
export function transpose(input: Tensor, dim0: number, dim1: number): Tensor {
  const first = normalizeDim('transpose', dim0, input.rank)
  const second = normalizeDim('transpose', dim1, input.rank)
  const swapped = (dim: number) => (dim === first ? second : dim === second ? first : dim)
  return permute(
    input,
    input.shape.map((_length, i) => swapped(i)),
  )
}
