/** Shapes: sizes, dimensions, broadcasting, and how errors print them. */
import { ShapeError } from '../device/errors.js'

/** The length of every dimension; `[]` is a scalar. Images are `[N, H, W, C]`. */
export type Shape = readonly number[]

/** The number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1)
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i])
}

/** `[2, 3]` as text. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/** Every dimension must be a positive integer: tensors without elements are not supported. */
export function checkShape(operation: string, shape: Shape): void {
  if (shape.some((length) => !Number.isInteger(length) || length < 1)) {
    throw new ShapeError(operation, 'positive integers as shape', formatShape(shape))
  }
}

/** Throws a `ShapeError` unless the tensor has `rank` dimensions; `layout` names them, such as `[N, H, W, C]`. */
export function checkRank(operation: string, shape: Shape, rank: number, layout: string): void {
  if (shape.length !== rank) throw new ShapeError(operation, layout, formatShape(shape))
}

/** Resolves a dimension that may be negative: -1 is the last. */
export function normalizeDim(operation: string, dim: number, rank: number): number {
  const resolved = dim < 0 ? dim + rank : dim
  if (!Number.isInteger(dim) || resolved < 0 || resolved >= Math.max(rank, 1)) {
    throw new ShapeError(operation, `a dimension from ${-rank} to ${rank - 1}`, String(dim))
  }
  return resolved
}

/** The shape of an elementwise result by NumPy's rules: aligned at the last dimension, 1 stretches. */
export function broadcastShapes(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const lengthA = a[i - rank + a.length] ?? 1
    const lengthB = b[i - rank + b.length] ?? 1
    if (lengthA !== lengthB && lengthA !== 1 && lengthB !== 1) {
      throw new ShapeError(operation, 'shapes that broadcast together', `${formatShape(a)} and ${formatShape(b)}`)
    }
    return lengthA === 1 ? lengthB : lengthA
  })
}
