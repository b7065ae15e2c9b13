/** The gradient of picking rows: each row of the input sums the gradients of the entries that picked it. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/gather/backward.wgsl'
import { fill } from '../fill/fill.js'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import type { GatherLayout } from './forward.js'

const kernel = defineKernel({
  name: 'gather/backward',
  source,
  bindings: { index: read('i32'), outputGradient: read(), inputGradient: write() },
  uniforms: { rows: 'u32', inner: 'u32', entries: 'u32', firstRow: 'u32' },
})

export interface GatherBackwardBuffers {
  /** i32 [entries]. */
  readonly index: DeviceBuffer
  /** f32 [entries, inner]. */
  readonly outputGradient: DeviceBuffer
  /** f32 [rows, inner]. */
  readonly inputGradient: DeviceBuffer
}

export function gatherBackward(device: Device, buffers: GatherBackwardBuffers, layout: GatherLayout): void {
  const { rows, entries, inner } = layout
  const rowBytes = inner * 4
  fill(device, { output: buffers.inputGradient, size: rows * inner, value: 0 })
  for (const to of rowWindows(device, kernel.name, rows, [rowBytes])) {
    for (const from of rowWindows(device, kernel.name, entries, [rowBytes, 4])) {
      kernel.dispatch(device, {
        template: { workgroupSize: device.workgroupSize },
        bindings: {
          index: windowOf(buffers.index, from, 4),
          outputGradient: windowOf(buffers.outputGradient, from, rowBytes),
          inputGradient: windowOf(buffers.inputGradient, to, rowBytes),
        },
        uniforms: { rows: to.count, inner, entries: from.count, firstRow: to.start },
        workgroups: elementGrid(device, inner),
        work: inner * from.count,
      })
    }
  }
}
