/** The gradient of ReLU: the output's gradient where the output is positive, else 0. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/relu/backward.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'relu/backward',
  source,
  bindings: { output: read(), outputGradient: read(), inputGradient: write() },
  uniforms: { size: 'u32' },
})

export function reluBackward(
  device: Device,
  buffers: { output: DeviceBuffer; outputGradient: DeviceBuffer; inputGradient: DeviceBuffer },
  size: number,
): void {
  for (const window of rowWindows(device, kernel.name, size, [4, 4, 4])) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: {
        output: windowOf(buffers.output, window, 4),
        outputGradient: windowOf(buffers.outputGradient, window, 4),
        inputGradient: windowOf(buffers.inputGradient, window, 4),
      },
      uniforms: { size: window.count },
      workgroups: elementGrid(device, window.count),
      work: window.count,
    })
  }
}
