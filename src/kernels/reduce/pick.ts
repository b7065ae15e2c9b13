/** The values at given positions in the middle of [outer, extent, inner]: a maximum from its argmax. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/reduce/pick.wgsl'
import { elementGrid, shiftedRange } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { fullWindow, reducedWindow, type ReduceLayout, reduceWindows } from './layout.js'

const kernel = defineKernel({
  name: 'reduce/pick',
  source,
  bindings: { input: read(), positions: read('i32'), output: write() },
  uniforms: {
    size: 'u32',
    inner: 'u32',
    windowExtent: 'u32',
    firstPosition: 'u32',
    inputShift: 'u32',
    positionsShift: 'u32',
    outputShift: 'u32',
  },
})

export interface ReducePickArguments extends ReduceLayout {
  /** f32 [outer, extent, inner]. */
  readonly input: DeviceBuffer
  /** i32 [outer, inner], from 0 to extent - 1. */
  readonly positions: DeviceBuffer
  /** f32 [outer, inner]. */
  readonly output: DeviceBuffer
}

export function reducePick(device: Device, { input, positions, output, ...layout }: ReducePickArguments): void {
  for (const window of reduceWindows(device, kernel.name, layout, { full: 4, reduced: 4 })) {
    const { outer, extent, inner, firstPosition } = window
    const from = shiftedRange(device, input, fullWindow(window, layout), 4)
    const which = shiftedRange(device, positions, reducedWindow(window), 4)
    const to = shiftedRange(device, output, reducedWindow(window), 4)
    const size = outer * inner
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { input: from.range, positions: which.range, output: to.range },
      uniforms: {
        size,
        inner,
        windowExtent: extent,
        firstPosition,
        inputShift: from.shift,
        positionsShift: which.shift,
        outputShift: to.shift,
      },
      workgroups: elementGrid(device, size),
      work: size,
    })
  }
}
