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

/** The values of a parameter, in the order of `stateDictShape(shape, layout)`. */
export function toStateDict(values: Float32Array, shape: Shape, layout: Layout): Float32Array {
  if (layout === 'plain') return values
  const [height, width, input, output] = dimensions(shape)
  const result = new Float32Array(values.length)
  const area = height * width
  for (let o = 0, to = 0; o < output; o++) {
    for (let i = 0; i < input; i++) {
      for (let k = 0; k < area; k++) result[to++] = values[(k * input + i) * output + o]!
    }
  }
  return result
}

/** The values of a state dict's array, in the order of `shape`, which is the shape of the parameter on the GPU. */
export function fromStateDict(values: Float32Array, shape: Shape, layout: Layout): Float32Array {
  if (layout === 'plain') return values
  const [height, width, input, output] = dimensions(shape)
  const result = new Float32Array(values.length)
  const area = height * width
  for (let o = 0, from = 0; o < output; o++) {
    for (let i = 0; i < input; i++) {
      for (let k = 0; k < area; k++) result[(k * input + i) * output + o] = values[from++]!
    }
  }
  return result
}

function dimensions(shape: Shape): [height: number, width: number, input: number, output: number] {
  if (shape.length !== 4) throw new ShapeError('layout HWIO', 'four dimensions', formatShape(shape))
  return shape as unknown as [number, number, number, number]
}
