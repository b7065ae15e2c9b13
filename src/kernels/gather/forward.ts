/** Picks rows of [rows, inner] by an index; any type of four bytes. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/gather/forward.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'gather/forward',
  source,
  bindings: { input: read('u32'), index: read('i32'), output: write('u32'), faults: write('atomic<u32>') },
  uniforms: {
    size: 'u32',
    inner: 'u32',
    rows: 'u32',
    firstRow: 'u32',
    windowRows: 'u32',
    firstEntry: 'u32',
    faultSlot: 'u32',
  },
})

/** How many rows there are, how many are picked, and how many elements a row has. */
export interface GatherLayout {
  readonly rows: number
  readonly entries: number
  readonly inner: number
}

export interface GatherForwardBuffers {
  /** [rows, inner]. */
  readonly input: DeviceBuffer
  /** i32 [entries]: row numbers. */
  readonly index: DeviceBuffer
  /** [entries, inner]. */
  readonly output: DeviceBuffer
}

/** A row number that does not exist gives zeros, and is a `DataError` at the next read-back. */
export function gatherForward(device: Device, buffers: GatherForwardBuffers, layout: GatherLayout): void {
  const { rows, entries, inner } = layout
  const rowBytes = inner * 4
  const faults = device.fault({
    source: 'gather',
    expected: `an index from 0 to ${rows - 1}`,
    describe: (position) => `index at position ${position}`,
  })
  for (const from of rowWindows(device, kernel.name, rows, [rowBytes])) {
    for (const to of rowWindows(device, kernel.name, entries, [rowBytes, 4])) {
      const size = to.count * inner
      kernel.dispatch(device, {
        template: { workgroupSize: device.workgroupSize },
        bindings: {
          input: windowOf(buffers.input, from, rowBytes),
          index: windowOf(buffers.index, to, 4),
          output: windowOf(buffers.output, to, rowBytes),
          faults: faults.buffer,
        },
        uniforms: {
          size,
          inner,
          rows,
          firstRow: from.start,
          windowRows: from.count,
          firstEntry: to.start,
          faultSlot: faults.slot,
        },
        workgroups: elementGrid(device, size),
        work: size,
      })
    }
  }
}
