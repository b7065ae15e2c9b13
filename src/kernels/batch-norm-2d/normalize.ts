/** output = (input - mean) * scale + bias, channel by channel. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/normalize.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'
import type { RowsOfChannels } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/normalize',
  source,
  bindings: { input: read(), mean: read(), scale: read(), bias: read(), output: write() },
  uniforms: { size: 'u32', channels: 'u32', firstChannel: 'u32' },
})

/** `input` and `output` are [rows, channels], the others [channels]. */
export function batchNormNormalize(
  device: Device,
  buffers: { input: DeviceBuffer; mean: DeviceBuffer; scale: DeviceBuffer; bias: DeviceBuffer; output: DeviceBuffer },
  { rows, channels }: RowsOfChannels,
): void {
  dispatchElementwise(device, kernel, {
    size: rows * channels,
    buffers,
    whole: ['mean', 'scale', 'bias'],
    uniforms: ({ start, count }) => ({ size: count, channels, firstChannel: start % channels }),
    workPerElement: 3,
  })
}
