/** Puts [outer, inner] at given positions of a middle dimension, zeros elsewhere: the gradient of a maximum. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/reduce/place.wgsl'
import { elementGrid, shiftedRange } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { fullWindow, reducedWindow, type ReduceLayout, reduceWindows } from './layout.js'

const kernel = defineKernel({
  name: 'reduce/place',
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

export interface ReducePlaceArguments extends ReduceLayout {
  /** f32 [outer, inner]. */
  readonly input: DeviceBuffer
  /** i32 [outer, inner], from 0 to extent - 1. */
  readonly positions: DeviceBuffer
  /** f32 [outer, extent, inner]. */
  readonly output: DeviceBuffer
}

export function reducePlace(device: Device, { input, positions, output, ...layout }: ReducePlaceArguments): void {
  for (const window of reduceWindows(device, kernel.name, layout, { full: 4, reduced: 4 })) {
    const { outer, extent, inner, firstPosition } = window
    const from = shiftedRange(device, input, reducedWindow(window), 4)
    const which = shiftedRange(device, positions, reducedWindow(window), 4)
    const to = shiftedRange(device, output, fullWindow(window, layout), 4)
    const size = outer * extent * inner
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
