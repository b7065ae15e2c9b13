/**
 * Reductions: sum, mean, max and argmax over some dimensions or all of them.
 *
 * The kernels reduce neighbouring dimensions at once. Dimensions that are not neighbours are reduced one group after the
 * other, the last group first; each step is an operation of its own on the tape.
 */
import { ShapeError } from '../../device/errors.js'
import { reduceArgmax } from '../../kernels/reduce/argmax.js'
import { reduceExpand } from '../../kernels/reduce/expand.js'
import { reducePick } from '../../kernels/reduce/pick.js'
import { reducePlace } from '../../kernels/reduce/place.js'
import { reduceSum } from '../../kernels/reduce/sum.js'
import { checkDType } from '../check.js'
import { formatShape, normalizeDim, sameShape, type Shape, sizeOf } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { reshape } from './reshape.js'

export interface ReduceOptions {
  /** The dimension or dimensions to reduce; all by default. Negative ones count from the end. */
  readonly dim?: number | readonly number[] | undefined
  /** Whether reduced dimensions stay, with length 1. */
  readonly keepdim?: boolean
}

export interface ArgmaxOptions {
  /** The dimension to search; by default the tensor is searched as if it were flat. */
  readonly dim?: number | undefined
  /** Whether the reduced dimensions stay, with length 1. */
  readonly keepdim?: boolean
}

/** The sum over `dim`; f32. Throws `ShapeError` for a dimension that is not there or twice there. */
export function sum(input: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce('sum', input, options, (group) => sumOf('sum', group, 1))
}

/** The mean over `dim`; f32. Throws `ShapeError` for a dimension that is not there or twice there. */
export function mean(input: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce('mean', input, options, (group) => sumOf('mean', group, 1 / group.extent))
}

/**
 * The largest values over `dim`; f32. NaN where there is a NaN. The gradient goes to the first of equal maxima, in
 * row-major order. Throws `ShapeError` for a dimension that is not there or twice there.
 */
export function max(input: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce('max', input, options, maxOf)
}

/**
 * The position of the largest value along `dim`, i32, of the first one among equal ones. Without `dim`, the position in
 * row-major order. A NaN counts as the largest value. Throws `ShapeError` for a dimension that is not there.
 */
export function argmax(input: Tensor, { dim, keepdim = false }: ArgmaxOptions = {}): Tensor {
  checkDType('argmax', 'input', input, 'f32')
  const { engine } = input
  const dims = reducedDims('argmax', input.shape, dim)
  const [group] = groupsOf(dims)
  const output = engine.empty(reducedShape(input.shape, dims, keepdim), 'i32')
  reduceArgmax(engine.device, { input: input.buffer, output: output.buffer, ...layoutOf(input.shape, group!) })
  return output
}

/**
 * Sums over the dimensions along which `shape` was repeated to give the input's shape: the gradient of broadcasting.
 * Gives the input itself where the shapes are equal. Throws `ShapeError` where `shape` does not broadcast to the input's.
 */
export function sumTo(input: Tensor, shape: Shape): Tensor {
  if (sameShape(input.shape, shape)) return input
  const missing = input.rank - shape.length
  const fits = shape.every((length, i) => length === 1 || length === input.shape[missing + i])
  if (missing < 0 || !fits) {
    throw new ShapeError('sumTo', `a shape that broadcasts to ${formatShape(input.shape)}`, formatShape(shape))
  }
  if (input.size === sizeOf(shape)) return reshape(input, shape)
  const dim = input.shape.flatMap((length, i) => (i < missing || (shape[i - missing] === 1 && length > 1) ? [i] : []))
  return reduceDims(input, dim, shape, (group) => sumOf('sumTo', group, 1))
}

/** Neighbouring dimensions of the input to be reduced: the middle of [outer, extent, inner]. */
interface Group {
  readonly input: Tensor
  readonly outer: number
  readonly extent: number
  readonly inner: number
  readonly outputShape: Shape
}

function reduce(
  operation: string,
  input: Tensor,
  { dim, keepdim = false }: ReduceOptions,
  step: (group: Group) => Tensor,
): Tensor {
  checkDType(operation, 'input', input, 'f32')
  const dims = reducedDims(operation, input.shape, dim)
  return reduceDims(input, dims, reducedShape(input.shape, dims, keepdim), step)
}

/** Reduces one group of neighbouring dimensions after the other; the last step gives the tensor its final shape. */
function reduceDims(
  input: Tensor,
  dims: readonly number[],
  outputShape: Shape,
  step: (group: Group) => Tensor,
): Tensor {
  const groups = groupsOf(dims)
  return groups.reduceRight((current, group, i) => {
    const isLast = i === 0
    const shape = isLast ? outputShape : reducedShape(current.shape, group, true)
    return step({ input: current, ...layoutOf(current.shape, group), outputShape: shape })
  }, input)
}

function sumOf(operation: string, { input, outputShape, ...layout }: Group, scale: number): Tensor {
  const { engine, shape } = input
  const output = engine.empty(outputShape)
  reduceSum(engine.device, { input: input.buffer, output: output.buffer, scale, ...layout })
  return differentiable({
    name: operation,
    inputs: { input },
    output,
    gradients: ({ gradient }) => {
      const inputGradient = engine.empty(shape)
      reduceExpand(engine.device, { input: gradient.buffer, output: inputGradient.buffer, scale, ...layout })
      return { input: inputGradient }
    },
  })
}

function maxOf({ input, outputShape, ...layout }: Group): Tensor {
  const { engine, shape } = input
  const positions = engine.empty(outputShape, 'i32')
  reduceArgmax(engine.device, { input: input.buffer, output: positions.buffer, ...layout })
  const output = engine.empty(outputShape)
  reducePick(engine.device, { input: input.buffer, positions: positions.buffer, output: output.buffer, ...layout })
  return differentiable({
    name: 'max',
    inputs: { input },
    output,
    saves: () => ({ positions }),
    gradients: ({ gradient, saved }) => {
      const inputGradient = engine.empty(shape)
      reducePlace(engine.device, {
        input: gradient.buffer,
        positions: saved.positions.buffer,
        output: inputGradient.buffer,
        ...layout,
      })
      return { input: inputGradient }
    },
  })
}

/** The dimensions to reduce, resolved and in ascending order. */
function reducedDims(operation: string, shape: Shape, dim: ReduceOptions['dim']): number[] {
  if (dim === undefined) return shape.map((_length, i) => i)
  const listed = typeof dim === 'number' ? [dim] : dim
  const dims = listed.map((entry) => normalizeDim(operation, entry, shape.length)).sort((a, b) => a - b)
  if (dims.length === 0 || new Set(dims).size < dims.length) {
    throw new ShapeError(operation, 'one or more different dimensions', `[${listed.join(', ')}]`)
  }
  return dims
}

/** Ascending dimensions in groups of neighbours; one empty group for none, as a scalar has no dimensions. */
function groupsOf(dims: readonly number[]): number[][] {
  const groups: number[][] = []
  for (const dim of dims) {
    const group = groups.at(-1)
    if (group?.at(-1) === dim - 1) group.push(dim)
    else groups.push([dim])
  }
  return groups.length > 0 ? groups : [[]]
}

function layoutOf(shape: Shape, group: readonly number[]): { outer: number; extent: number; inner: number } {
  const first = group[0] ?? 0
  const end = first + group.length
  return {
    outer: sizeOf(shape.slice(0, first)),
    extent: sizeOf(shape.slice(first, end)),
    inner: sizeOf(shape.slice(end)),
  }
}

function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  return shape.flatMap((length, i) => (dims.includes(i) ? (keepdim ? [1] : []) : [length]))
}
