/** output = max(input, 0), elementwise on contiguous f32 buffers. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/relu/forward.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'relu/forward',
  source,
  bindings: { input: read(), output: write() },
  uniforms: { size: 'u32' },
})

export function reluForward(
  device: Device,
  { input, output, size }: { input: DeviceBuffer; output: DeviceBuffer; size: number },
): void {
  for (const window of rowWindows(device, kernel.name, size, [4, 4])) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { input: windowOf(input, window, 4), output: windowOf(output, window, 4) },
      uniforms: { size: window.count },
      workgroups: elementGrid(device, window.count),
      work: window.count,
    })
  }
}
