/** Counts the NaN and infinite elements of an f32 buffer. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/non-finite/count.wgsl'
import { linearGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'non-finite/count',
  source,
  bindings: { input: read('u32'), count: write('atomic<u32>') },
  uniforms: { size: 'u32' },
})

const elementsPerInvocation = 16

export interface CountNonFiniteArguments {
  /** f32. */
  readonly input: DeviceBuffer
  readonly size: number
  /** u32, one element: what was found is added to it. */
  readonly count: DeviceBuffer
}

export function countNonFinite(device: Device, { input, size, count }: CountNonFiniteArguments): void {
  const workgroupSize = 2 ** Math.floor(Math.log2(device.workgroupSize))
  for (const window of rowWindows(device, kernel.name, size, [4])) {
    kernel.dispatch(device, {
      template: { workgroupSize, elementsPerInvocation },
      bindings: { input: windowOf(input, window, 4), count },
      uniforms: { size: window.count },
      workgroups: linearGrid(device, Math.ceil(window.count / (workgroupSize * elementsPerInvocation))),
      work: window.count,
    })
  }
}
