/** From the running variance to 1 / deviation and scale. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/running-scale.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/running-scale',
  source,
  bindings: { runningVar: read(), weight: read(), inverseDeviation: write(), scale: write() },
  uniforms: { channels: 'u32', eps: 'f32' },
})

/** All buffers are [channels]. */
export function batchNormRunningScale(
  device: Device,
  buffers: { runningVar: DeviceBuffer; weight: DeviceBuffer; inverseDeviation: DeviceBuffer; scale: DeviceBuffer },
  { channels, eps }: { channels: number; eps: number },
): void {
  dispatchElementwise(device, kernel, {
    size: channels,
    buffers,
    uniforms: ({ count }) => ({ channels: count, eps }),
    workPerElement: 10,
  })
}
