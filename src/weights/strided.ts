/** Tensors whose elements do not lie one after the other: views that were saved with what they are views on. */

/** How elements lie in memory. */
export interface StridedLayout {
  readonly shape: readonly number[]
  /** How far one step along each dimension moves, in elements. */
  readonly strides: readonly number[]
}

/** Whether the elements lie one after the other, in row-major order. */
export function isContiguous({ shape, strides }: StridedLayout): boolean {
  let expected = 1
  for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
    if (shape[dimension] !== 1 && strides[dimension] !== expected) return false
    expected *= shape[dimension]!
  }
  return true
}

/** How many elements of memory a tensor reaches over, from its first to its last: 0 where it has none. */
export function extentOf({ shape, strides }: StridedLayout): number {
  if (shape.includes(0)) return 0
  return shape.reduce((extent, size, dimension) => extent + (size - 1) * strides[dimension]!, 1)
}

/**
 * Copies elements into row-major order.
 *
 * @param bytes from the first element on; `extentOf(layout)` elements at least
 */
export function gatherElements(bytes: Uint8Array, { shape, strides }: StridedLayout, elementSize: number): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1)
  const gathered = new Uint8Array(count * elementSize)
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < gathered.length; to += elementSize) {
    for (let i = 0; i < elementSize; i++) gathered[to + i] = bytes[from + i]!
    for (let dimension = shape.length - 1; dimension >= 0; dimension--) {
      const step = strides[dimension]! * elementSize
      from += step
      index[dimension]!++
      if (index[dimension]! < shape[dimension]!) break
      from -= step * shape[dimension]!
      index[dimension] = 0
    }
  }
  return gathered
}
