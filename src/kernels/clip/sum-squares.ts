/** Sums of squares of chunks of several arrays, one number per chunk. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/clip/sum-squares.wgsl'
import { linearGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const name = 'clip/sum-squares'
const ofOne = defineKernel({
  name,
  source,
  bindings: { gradient: read('Value'), partials: write() },
  uniforms: { size: 'u32', elementsPerGroup: 'u32', count: 'u32', firstPartial: 'u32' },
})
const ofSeveral = defineKernel({
  name,
  source,
  bindings: { gradient: read('Value'), chunks: read('vec2<u32>'), partials: write() },
  uniforms: { firstChunk: 'u32', count: 'u32', firstPartial: 'u32' },
})

/** An array gets longer chunks rather than more than about this many, so that one workgroup can add their sums up. */
const mostChunks = 1024
/** Fewer elements make the tree behind them what takes time, on software drivers. */
const leastPerInvocation = 64

/** A contiguous array. */
export interface SquaredArray {
  readonly buffer: DeviceBuffer
  /** The number of elements. */
  readonly size: number
}

/** Arrays in one buffer that fits one binding, a number of elements that is a multiple of four. */
export interface SquaredArrays {
  readonly buffer: DeviceBuffer
  /** u32 [..., 2]: for each chunk the elements where it begins and ends, as `chunksOf` cuts them. */
  readonly chunks: DeviceBuffer
  readonly firstChunk: number
  readonly count: number
  /** The number of elements in these chunks. */
  readonly size: number
}

/** The places where the chunks of an array of so many elements begin and end. They depend on its size only. */
export function chunksOf(device: Device, size: number): (readonly [number, number])[] {
  const length = chunkLength(device, size)
  return Array.from({ length: Math.ceil(size / length) }, (_, i) => [i * length, Math.min((i + 1) * length, size)])
}

/** One number for each chunk of the arrays. */
export interface SumsOfSquares {
  readonly partials: DeviceBuffer
  readonly count: number
}

/** The sums of squares of the chunks of all arrays, in their order, and how many there are. The caller releases the buffer. */
export function sumSquares(device: Device, inputs: readonly (SquaredArray | SquaredArrays)[]): SumsOfSquares {
  const counts = inputs.map((input) =>
    'chunks' in input ? input.count : windowsOf(device, input).reduce((sum, { chunks }) => sum + chunks, 0),
  )
  const count = counts.reduce((sum, chunks) => sum + chunks, 0)
  const partials = device.allocate(count * 4)
  let firstPartial = 0
  for (const [i, input] of inputs.entries()) {
    if ('chunks' in input) sumOfSeveral(device, input, partials, firstPartial)
    else sumOfOne(device, input, partials, firstPartial)
    firstPartial += counts[i]!
  }
  return { partials, count }
}

function sumOfOne(device: Device, array: SquaredArray, partials: DeviceBuffer, firstPartial: number): void {
  let next = firstPartial
  for (const { window, chunks } of windowsOf(device, array)) {
    ofOne.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, vectors: array.size % 4 === 0, listed: false },
      bindings: { gradient: windowOf(array.buffer, window, 4), partials },
      uniforms: {
        size: window.count,
        elementsPerGroup: chunkLength(device, array.size),
        count: chunks,
        firstPartial: next,
      },
      workgroups: linearGrid(device, chunks),
      work: window.count * 2,
    })
    next += chunks
  }
}

function sumOfSeveral(device: Device, arrays: SquaredArrays, partials: DeviceBuffer, firstPartial: number): void {
  const { buffer, chunks, firstChunk, count, size } = arrays
  ofSeveral.dispatch(device, {
    template: { workgroupSize: device.workgroupSize, vectors: true, listed: true },
    bindings: { gradient: buffer, chunks, partials },
    uniforms: { firstChunk, count, firstPartial },
    workgroups: linearGrid(device, count),
    work: size * 2,
  })
}

/** The windows of an array that one binding cannot hold, and how many chunks each has. */
function windowsOf(device: Device, { size }: SquaredArray) {
  const length = chunkLength(device, size)
  return rowWindows(device, name, size, [4]).map((window) => ({ window, chunks: Math.ceil(window.count / length) }))
}

function chunkLength(device: Device, size: number): number {
  const perInvocation = Math.ceil(size / (device.workgroupSize * mostChunks))
  return Math.max(leastPerInvocation, perInvocation) * device.workgroupSize
}
