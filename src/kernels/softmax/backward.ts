/** The gradient of softmax or log-softmax over the middle of [outer, extent, inner], from the output. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/softmax/backward.wgsl'
import { rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { lineGrid, lineTile } from '../lines.js'
import type { SoftmaxLayout } from './forward.js'

const kernel = defineKernel({
  name: 'softmax/backward',
  source,
  bindings: { output: read(), outputGradient: read(), inputGradient: write() },
  uniforms: { lines: 'u32', extent: 'u32', inner: 'u32' },
})

export function softmaxBackward(
  device: Device,
  buffers: { output: DeviceBuffer; outputGradient: DeviceBuffer; inputGradient: DeviceBuffer },
  { outer, extent, inner, logarithm }: SoftmaxLayout,
): void {
  const tile = lineTile(device, extent)
  const rowBytes = extent * inner * 4
  for (const window of rowWindows(device, kernel.name, outer, [rowBytes])) {
    const lines = window.count * inner
    kernel.dispatch(device, {
      template: { ...tile, logarithm },
      bindings: {
        output: windowOf(buffers.output, window, rowBytes),
        outputGradient: windowOf(buffers.outputGradient, window, rowBytes),
        inputGradient: windowOf(buffers.inputGradient, window, rowBytes),
      },
      uniforms: { lines, extent, inner },
      workgroups: lineGrid(device, lines, tile),
      work: lines * extent * 4,
    })
  }
}
