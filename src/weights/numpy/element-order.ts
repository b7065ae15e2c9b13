/** Elements as NumPy may store them -> as everything else here has them. */
import { gatherElements } from '../strided.js'

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
  const strides: number[] = []
  shape.reduce((stride, size, axis) => (strides[axis] = stride) * size, 1)
  return gatherElements(bytes, { shape, strides }, elementSize)
}
