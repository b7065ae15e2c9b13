/** output = a operator b for tensors of one type, f32 or f16, that broadcast together by NumPy's rules. */
import type { BufferRange, DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { KernelError } from '../../device/errors.js'
import source from '../../../shaders/binary/binary.wgsl'
import { bytesPerFloat, elementGrid, rowWindows, type RowWindow, windowOf } from '../grid.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'

/** The operators that the kernels of this family take. */
export type BinaryOperator = '+' | '-' | '*' | '/'

const kernel = defineKernel({
  name: 'binary/binary',
  source,
  bindings: { a: readFloats('vectors'), b: readFloats('vectors'), output: writeFloats('vectors') },
  uniforms: {
    size: 'u32',
    length1: 'u32',
    length2: 'u32',
    length3: 'u32',
    length4: 'u32',
    length5: 'u32',
    strideA0: 'u32',
    strideA1: 'u32',
    strideA2: 'u32',
    strideA3: 'u32',
    strideA4: 'u32',
    strideA5: 'u32',
    strideB0: 'u32',
    strideB1: 'u32',
    strideB2: 'u32',
    strideB3: 'u32',
    strideB4: 'u32',
    strideB5: 'u32',
  },
})

/** The kernel takes operands that are left with this many dimensions after merging. */
export const maxBinaryRank = 6

export interface BinaryArguments {
  readonly operator: BinaryOperator
  readonly a: DeviceBuffer
  readonly b: DeviceBuffer
  readonly output: DeviceBuffer
  readonly shapeA: readonly number[]
  readonly shapeB: readonly number[]
}

/**
 * Throws `KernelError` when more than 6 dimensions are left after merging those that both operands walk through alike, or
 * when an operand that repeats along the outermost dimension does not fit a binding.
 */
export function binary(device: Device, { operator, a, b, output, shapeA, shapeB }: BinaryArguments): void {
  const dimensions = broadcastDimensions(shapeA, shapeB)
  if (dimensions.length > maxBinaryRank) {
    throw new KernelError(kernel.name, `${dimensions.length} dimensions after merging, at most ${maxBinaryRank}`)
  }
  const [outer, ...inner] = dimensions as [BroadcastDimension, ...BroadcastDimension[]]
  const innerSize = inner.reduce((product, { length }) => product * length, 1)
  const bytes = bytesPerFloat(output)
  const repeats = (stride: number) => outer.length > 1 && stride === 0
  const rowBytesA = repeats(outer.strideA) ? 0 : outer.strideA * bytes
  const rowBytesB = repeats(outer.strideB) ? 0 : outer.strideB * bytes
  const cut = [innerSize * bytes, rowBytesA, rowBytesB].filter((length) => length > 0)
  const operand = (buffer: DeviceBuffer, window: RowWindow, rowBytes: number): DeviceBuffer | BufferRange =>
    rowBytes === 0 ? buffer : windowOf(buffer, window, rowBytes)
  // padded at the end: the kernel does not look at dimensions past the rank
  const dimension = (k: number): BroadcastDimension => dimensions[k] ?? { length: 1, strideA: 0, strideB: 0 }
  // operands of one shape are read straight through: four elements at a time where that is all of them
  const straight = dimensions.length === 1 && outer.strideA === 1 && outer.strideB === 1
  const perValue = straight && outer.length % 4 === 0 ? 4 : 1
  for (const window of rowWindows(device, kernel.name, outer.length, cut)) {
    const size = (window.count * innerSize) / perValue
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, operator, rank: dimensions.length, vectors: perValue === 4 },
      bindings: {
        a: operand(a, window, rowBytesA),
        b: operand(b, window, rowBytesB),
        output: windowOf(output, window, innerSize * bytes),
      },
      uniforms: {
        size,
        length1: dimension(1).length,
        length2: dimension(2).length,
        length3: dimension(3).length,
        length4: dimension(4).length,
        length5: dimension(5).length,
        strideA0: dimension(0).strideA,
        strideA1: dimension(1).strideA,
        strideA2: dimension(2).strideA,
        strideA3: dimension(3).strideA,
        strideA4: dimension(4).strideA,
        strideA5: dimension(5).strideA,
        strideB0: dimension(0).strideB,
        strideB1: dimension(1).strideB,
        strideB2: dimension(2).strideB,
        strideB3: dimension(3).strideB,
        strideB4: dimension(4).strideB,
        strideB5: dimension(5).strideB,
      },
      workgroups: elementGrid(device, size),
      work: size * perValue,
    })
  }
}

interface BroadcastDimension {
  length: number
  /** Elements between neighbours; 0 where the operand repeats. */
  strideA: number
  strideB: number
}

/**
 * The fewest dimensions that describe the broadcast, outermost first, at least one: two neighbours merge where each
 * operand walks through both in one stride, so equal shapes have one dimension, and a row added to a matrix has two.
 */
function broadcastDimensions(shapeA: readonly number[], shapeB: readonly number[]): BroadcastDimension[] {
  const rank = Math.max(shapeA.length, shapeB.length)
  const merged: BroadcastDimension[] = []
  let strideA = 1
  let strideB = 1
  for (let fromEnd = 1; fromEnd <= rank; fromEnd++) {
    const lengthA = shapeA[shapeA.length - fromEnd] ?? 1
    const lengthB = shapeB[shapeB.length - fromEnd] ?? 1
    const length = Math.max(lengthA, lengthB)
    const dimension = { length, strideA: lengthA === 1 ? 0 : strideA, strideB: lengthB === 1 ? 0 : strideB }
    strideA *= lengthA
    strideB *= lengthB
    if (length === 1) continue
    const inside = merged[0]
    const mergesA = inside && dimension.strideA === inside.strideA * inside.length
    const mergesB = inside && dimension.strideB === inside.strideB * inside.length
    if (mergesA && mergesB) inside.length *= length
    else merged.unshift(dimension)
  }
  return merged.length > 0 ? merged : [{ length: 1, strideA: 0, strideB: 0 }]
}
