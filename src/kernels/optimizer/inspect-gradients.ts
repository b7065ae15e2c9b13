/** Whether all gradients are finite, and the factor that undoes the scaling of the loss. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/optimizer/inspect-gradients.wgsl'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'optimizer/inspect-gradients',
  source,
  bindings: { partials: read('u32'), scale: read(), counts: write('atomic<u32>'), factor: write() },
  uniforms: { count: 'u32' },
})

export interface InspectGradientsArguments {
  /** Sums of squares of all gradients. */
  readonly partials: DeviceBuffer
  /** How many. */
  readonly count: number
  /** What the loss was multiplied by; f32 []. */
  readonly scale: DeviceBuffer
  /** u32 [3]; see `updateScale`. */
  readonly counts: DeviceBuffer
  /** f32 []. */
  readonly factor: DeviceBuffer
}

/** Sets counts[0] to 1 if one of the sums is not finite, and `factor` to 1 / scale. */
export function inspectGradients(device: Device, { count, ...bindings }: InspectGradientsArguments): void {
  kernel.dispatch(device, {
    template: { workgroupSize: device.workgroupSize },
    bindings,
    uniforms: { count },
    workgroups: [1, 1, 1],
    work: count,
  })
}
