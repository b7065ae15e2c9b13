/** Elements as NumPy may store them -> as everything else here has them. */

/** Reverses the bytes of each element of `elementSize` bytes; a copy. */
export function swapBytes(bytes: Uint8Array, elementSize: number): Uint8Array {
  const swapped = new Uint8Array(bytes.length)
  for (let begin = 0; begin < bytes.length; begin += elementSize) {
    for (let i = 0; i < elementSize; i++) swapped[begin + i] = bytes[begin + elementSize - 1 - i]!
  }
  return swapped
}

/** Elements in column-major order (the first index runs fastest) to row-major order (the last one does); a copy. */
export function toRowMajor(bytes: Uint8Array, shape: readonly number[], elementSize: number): Uint8Array {
  const rowMajor = new Uint8Array(bytes.length)
  const steps: number[] = [] // bytes from an element to the next one along each axis of the column-major data
  shape.reduce((step, size, axis) => (steps[axis] = step) * size, elementSize)
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < bytes.length; to += elementSize) {
    for (let i = 0; i < elementSize; i++) rowMajor[to + i] = bytes[from + i]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!
      index[axis]!++
      if (index[axis]! < shape[axis]!) break
      from -= steps[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
  return rowMajor
}
