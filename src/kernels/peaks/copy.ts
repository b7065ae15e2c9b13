/** A copy by a kernel, to measure how fast kernels read and write memory. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/peaks/copy.wgsl'
import { elementGrid } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'peaks/copy',
  source,
  bindings: { source: read('vec4<f32>'), destination: write('vec4<f32>') },
  uniforms: { size: 'u32' },
})

export interface PeakCopy {
  /** Both fit one binding. */
  readonly source: DeviceBuffer
  readonly destination: DeviceBuffer
  /** How many f32 are copied, a multiple of 4. */
  readonly size: number
}

export function peakCopy(device: Device, { source, destination, size }: PeakCopy): void {
  kernel.dispatch(device, {
    template: { workgroupSize: device.workgroupSize },
    bindings: { source, destination },
    uniforms: { size: size / 4 },
    workgroups: elementGrid(device, size / 4),
    work: size,
  })
}
