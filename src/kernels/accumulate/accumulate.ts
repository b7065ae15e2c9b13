/** Adds one f32 buffer to another in place: gradients that meet at a tensor. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/accumulate/accumulate.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'accumulate/accumulate',
  source,
  bindings: { source: read(), destination: write() },
  uniforms: { size: 'u32' },
})

/** target[i] += source[i] for `size` elements; the buffers must be different ones. */
export function accumulate(
  device: Device,
  { target, source: addend, size }: { target: DeviceBuffer; source: DeviceBuffer; size: number },
): void {
  for (const window of rowWindows(device, kernel.name, size, [4, 4])) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { source: windowOf(addend, window, 4), destination: windowOf(target, window, 4) },
      uniforms: { size: window.count },
      workgroups: elementGrid(device, window.count),
      work: window.count,
    })
  }
}
