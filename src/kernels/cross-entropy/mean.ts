/** The mean of the losses that count, from their sum and their number. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/cross-entropy/mean.wgsl'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'cross-entropy/mean',
  source,
  bindings: { total: read(), count: read(), loss: write('u32') },
  uniforms: {},
})

/** loss = total / count, each one f32; NaN if the count is 0. */
export function crossEntropyMean(
  device: Device,
  buffers: { readonly total: DeviceBuffer; readonly count: DeviceBuffer; readonly loss: DeviceBuffer },
): void {
  kernel.dispatch(device, { bindings: buffers, uniforms: {}, workgroups: [1, 1, 1] })
}
