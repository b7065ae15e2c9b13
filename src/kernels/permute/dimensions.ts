/** The fewest dimensions that describe a permutation: dimensions of length 1 vanish, those that stay together merge. */

/** One dimension of the output: its length, and how far one step along it moves in the input, in elements. */
export interface StridedDimension {
  length: number
  stride: number
}

/**
 * The dimensions of `input.permute(dims)`, outermost first. At most one dimension is left when the elements keep their
 * order, so that the permutation is nothing but a reshape.
 *
 * @param shape the shape of the contiguous input
 * @param dims the input dimension that each output dimension comes from
 */
export function permutedDimensions(shape: readonly number[], dims: readonly number[]): StridedDimension[] {
  const strides = shape.map((_length, i) => shape.slice(i + 1).reduce((product, length) => product * length, 1))
  const merged: StridedDimension[] = []
  for (const dim of dims) {
    const length = shape[dim]!
    const stride = strides[dim]!
    if (length === 1) continue
    const previous = merged.at(-1)
    if (previous?.stride === length * stride) {
      previous.length *= length
      previous.stride = stride
    } else {
      merged.push({ length, stride })
    }
  }
  return merged
}
