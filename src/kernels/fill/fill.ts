/** Sets every element of an f32 buffer to one value. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/fill/fill.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'fill/fill',
  source,
  bindings: { output: write() },
  uniforms: { size: 'u32', value: 'f32' },
})

export function fill(device: Device, { output, size, value }: { output: DeviceBuffer; size: number; value: number }) {
  for (const window of rowWindows(device, kernel.name, size, [4])) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { output: windowOf(output, window, 4) },
      uniforms: { size: window.count, value },
      workgroups: elementGrid(device, window.count),
      work: window.count,
    })
  }
}
