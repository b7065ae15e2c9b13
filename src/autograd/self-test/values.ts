/** Small arrays in double precision: what the self-test's references compute with. Written to be read, not to be fast. */
import { type Shape, sizeOf } from '../shape.js'

export class Values {
  constructor(
    readonly shape: Shape,
    readonly data: Float64Array,
  ) {}

  /** The element at an index, one number per dimension. */
  at(...index: readonly number[]): number {
    return this.data[this.#position(index)]!
  }

  /** Whether an index lies inside of the array. */
  has(...index: readonly number[]): boolean {
    return index.every((entry, i) => entry >= 0 && entry < this.shape[i]!)
  }

  #position(index: readonly number[]): number {
    let position = 0
    for (let i = 0; i < index.length; i++) position = position * this.shape[i]! + index[i]!
    return position
  }
}

/** An array whose element at an index is a function of the index. */
export function tabulate(shape: Shape, element: (...index: number[]) => number): Values {
  const data = new Float64Array(sizeOf(shape))
  const index = shape.map(() => 0)
  for (let position = 0; position < data.length; position++) {
    data[position] = element(...index)
    for (let i = shape.length - 1; i >= 0; i--) {
      index[i]!++
      if (index[i]! < shape[i]!) break
      index[i] = 0
    }
  }
  return new Values(shape, data)
}

/** The sum of a function over 0, 1, ... count - 1. */
export function sumOver(count: number, term: (i: number) => number): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += term(i)
  return sum
}

/** Deterministic numbers in [-1, 1) that f32 holds exactly. */
export function uniformValues(length: number, seed: number): Float64Array {
  let state = Math.imul(seed, 2654435761) >>> 0
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) / 8388608 - 1
  })
}

export function dot(a: Float64Array, b: Float64Array): number {
  return sumOver(a.length, (i) => a[i]! * b[i]!)
}
