/** Repeats [outer, inner] along a new middle dimension: the gradient of a sum. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/reduce/expand.wgsl'
import { elementGrid, shiftedRange } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { fullWindow, reducedWindow, type ReduceLayout, reduceWindows } from './layout.js'

const kernel = defineKernel({
  name: 'reduce/expand',
  source,
  bindings: { input: read(), output: write() },
  uniforms: { size: 'u32', extent: 'u32', inner: 'u32', inputShift: 'u32', outputShift: 'u32', scale: 'f32' },
})

export interface ReduceExpandArguments extends ReduceLayout {
  /** f32 [outer, inner]. */
  readonly input: DeviceBuffer
  /** f32 [outer, extent, inner]. */
  readonly output: DeviceBuffer
  /** What every element is multiplied by; 1 by default. */
  readonly scale?: number
}

export function reduceExpand(device: Device, { input, output, scale = 1, ...layout }: ReduceExpandArguments): void {
  for (const window of reduceWindows(device, kernel.name, layout, { full: 4, reduced: 4 })) {
    const { outer, extent, inner } = window
    const from = shiftedRange(device, input, reducedWindow(window), 4)
    const to = shiftedRange(device, output, fullWindow(window, layout), 4)
    const size = outer * extent * inner
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { input: from.range, output: to.range },
      uniforms: { size, extent, inner, inputShift: from.shift, outputShift: to.shift, scale },
      workgroups: elementGrid(device, size),
      work: size,
    })
  }
}
