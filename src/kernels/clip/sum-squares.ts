/** Sums of squares of chunks of several buffers, one number per chunk. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/clip/sum-squares.wgsl'
import { linearGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'clip/sum-squares',
  source,
  bindings: { gradient: read('Value'), partials: write() },
  uniforms: { size: 'u32', elementsPerGroup: 'u32', firstPartial: 'u32' },
})

/** Chunks become longer rather than more than about this many, so that one workgroup can add their sums up. */
const mostChunks = 8192

export interface SquaredBuffer {
  readonly buffer: DeviceBuffer
  /** The number of elements. */
  readonly size: number
}

/** The sums of squares of the chunks of all buffers, and how many there are. The caller releases the buffer. */
export function sumSquares(
  device: Device,
  inputs: readonly SquaredBuffer[],
): { readonly partials: DeviceBuffer; readonly count: number } {
  const total = inputs.reduce((sum, { size }) => sum + size, 0)
  const perInvocation = Math.max(16, Math.ceil(total / (device.workgroupSize * mostChunks)))
  const elementsPerGroup = perInvocation * device.workgroupSize
  let count = 0
  const chunked = inputs.flatMap(({ buffer, size }) =>
    rowWindows(device, kernel.name, size, [4]).map((window) => {
      const chunks = Math.ceil(window.count / elementsPerGroup)
      const firstPartial = count
      count += chunks
      return { buffer, window, chunks, firstPartial, vectors: size % 4 === 0 }
    }),
  )
  const partials = device.allocate(count * 4)
  for (const { buffer, window, chunks, firstPartial, vectors } of chunked) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, vectors },
      bindings: { gradient: windowOf(buffer, window, 4), partials },
      uniforms: { size: window.count, elementsPerGroup, firstPartial },
      workgroups: linearGrid(device, chunks),
      work: window.count * 2,
    })
  }
  return { partials, count }
}
