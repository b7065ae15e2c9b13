/** Softmax or log-softmax over the middle of [outer, extent, inner]. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/softmax/forward.wgsl'
import { rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { lineGrid, lineTile } from '../lines.js'

const kernel = defineKernel({
  name: 'softmax/forward',
  source,
  bindings: { input: read(), output: write() },
  uniforms: { lines: 'u32', extent: 'u32', inner: 'u32' },
})

/** f32 [outer, extent, inner]; each line along `extent` is normalized for itself. */
export interface SoftmaxLayout {
  readonly outer: number
  readonly extent: number
  readonly inner: number
  /** Log-softmax instead of softmax. */
  readonly logarithm: boolean
}

export function softmaxForward(
  device: Device,
  { input, output }: { input: DeviceBuffer; output: DeviceBuffer },
  { outer, extent, inner, logarithm }: SoftmaxLayout,
): void {
  const tile = lineTile(device, extent)
  const rowBytes = extent * inner * 4
  for (const window of rowWindows(device, kernel.name, outer, [rowBytes])) {
    const lines = window.count * inner
    kernel.dispatch(device, {
      template: { ...tile, logarithm },
      bindings: { input: windowOf(input, window, rowBytes), output: windowOf(output, window, rowBytes) },
      uniforms: { lines, extent, inner },
      workgroups: lineGrid(device, lines, tile),
      work: lines * extent * 5,
    })
  }
}
