/** Whether all gradients are finite, and the factor that undoes the scaling of the loss. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/optimizer/inspect-gradients.wgsl'
import { defineKernel, read, write } from '../kernel.js'
import type { StepGuard } from './guard.js'

const kernel = defineKernel({
  name: 'optimizer/inspect-gradients',
  source,
  bindings: { partials: read('u32'), scale: read(), guard: write('atomic<u32>'), factor: write() },
  uniforms: { count: 'u32', unscaled: 'u32' },
})

export interface InspectGradientsArguments {
  /** Sums of squares of all gradients. */
  readonly partials: DeviceBuffer
  /** How many. */
  readonly count: number
  /** What the loss was multiplied by; f32 []. */
  readonly scale: DeviceBuffer
  readonly guard: StepGuard
  /** f32 []. */
  readonly factor: DeviceBuffer
  /** Whether the caller multiplies the gradients with `factor`, so that the optimizer's kernels do not have to. */
  readonly unscaled: boolean
}

/** Notes in `guard` whether one of the sums is not finite and what undoes the scaling, and sets `factor` to 1 / scale. */
export function inspectGradients(device: Device, { count, unscaled, ...bindings }: InspectGradientsArguments): void {
  kernel.dispatch(device, {
    template: { workgroupSize: device.workgroupSize },
    bindings,
    uniforms: { count, unscaled: Number(unscaled) },
    workgroups: [1, 1, 1],
    work: count,
  })
}
