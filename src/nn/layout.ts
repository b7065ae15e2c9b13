/**
 * Layouts of parameters, here and in state dicts. Convolution weights are [KH, KW, in / groups, out] (HWIO) on the GPU
 * and [out, in / groups, KH, KW] (OIHW) in state dicts; every other parameter has one layout. This file is the only
 * place that converts.
 */
import { ShapeError } from '../device/errors.js'
import { formatShape, type Shape } from '../autograd/shape.js'

/** How a parameter lies in GPU memory: `HWIO` is converted at the state-dict boundary, `plain` is not. */
export type Layout = 'plain' | 'HWIO'

/** The shape that a parameter of this shape has in a state dict. */
export function stateDictShape(shape: Shape, layout: Layout): number[] {
  if (layout === 'plain') return [...shape]
  const [height, width, input, output] = dimensions(shape)
  return [output, input, height, width]
}

/**
 * Both conversions transpose a matrix of `output` rows; they go through it in strips of so many rows, so that what is read
 * and what is written stay in the cache: three times faster than row by row.
 */
const stripRows = 32

/** The values of a parameter, in the order of `stateDictShape(shape, layout)`. */
export function toStateDict(values: Float32Array, shape: Shape, layout: Layout): Float32Array {
  if (layout === 'plain') return values
  const result = new Float32Array(values.length)
  const [height, width, input, output] = dimensions(shape)
  const area = height * width
  const columns = input * area
  for (let first = 0; first < output; first += stripRows) {
    const last = Math.min(first + stripRows, output)
    for (let i = 0, column = 0; i < input; i++) {
      for (let k = 0; k < area; k++, column++) {
        const from = (k * input + i) * output
        for (let o = first, to = first * columns + column; o < last; o++, to += columns) result[to] = values[from + o]!
      }
    }
  }
  return result
}

/**
 * The values of a state dict's array, in the order of `shape`, which is the shape of the parameter on the GPU.
 *
 * @param scratch an array of at least that length, to be used instead of a new one where values must move
 */
export function fromStateDict(
  values: Float32Array,
  shape: Shape,
  layout: Layout,
  scratch?: Float32Array,
): Float32Array {
  if (layout === 'plain') return values
  const result = scratch?.subarray(0, values.length) ?? new Float32Array(values.length)
  const [height, width, input, output] = dimensions(shape)
  const area = height * width
  const columns = input * area
  for (let first = 0; first < output; first += stripRows) {
    const last = Math.min(first + stripRows, output)
    for (let i = 0, column = 0; i < input; i++) {
      for (let k = 0; k < area; k++, column++) {
        const to = (k * input + i) * output
        for (let o = first, from = first * columns + column; o < last; o++, from += columns) {
          result[to + o] = values[from]!
        }
      }
    }
  }
  return result
}

function dimensions(shape: Shape): [height: number, width: number, input: number, output: number] {
  if (shape.length !== 4) throw new ShapeError('layout HWIO', 'four dimensions', formatShape(shape))
  return shape as unknown as [number, number, number, number]
}
