/** Moves the scale of the loss after a step. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/optimizer/update-scale.wgsl'
import { defineKernel, write } from '../kernel.js'
import type { StepGuard } from './guard.js'

const kernel = defineKernel({
  name: 'optimizer/update-scale',
  source,
  bindings: { scale: write(), guard: write('u32') },
  uniforms: { growthFactor: 'f32', backoffFactor: 'f32', growthInterval: 'u32' },
})

export interface UpdateScaleArguments {
  /** f32 []. */
  readonly scale: DeviceBuffer
  readonly guard: StepGuard
  readonly growthFactor: number
  readonly backoffFactor: number
  readonly growthInterval: number
}

export function updateScale(device: Device, { scale, guard, ...uniforms }: UpdateScaleArguments): void {
  kernel.dispatch(device, { bindings: { scale, guard }, uniforms, workgroups: [1, 1, 1], work: 4 })
}
