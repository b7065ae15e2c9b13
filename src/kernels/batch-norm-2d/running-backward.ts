/** The input's gradient where mean and variance are constants: outputGradient * scale, channel by channel. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/running-backward.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'
import type { RowsOfChannels } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/running-backward',
  source,
  bindings: { outputGradient: read(), scale: read(), inputGradient: write() },
  uniforms: { size: 'u32', channels: 'u32', firstChannel: 'u32' },
})

/** `outputGradient` and `inputGradient` are [rows, channels], `scale` is [channels]. */
export function batchNormRunningBackward(
  device: Device,
  buffers: { outputGradient: DeviceBuffer; scale: DeviceBuffer; inputGradient: DeviceBuffer },
  { rows, channels }: RowsOfChannels,
): void {
  dispatchElementwise(device, kernel, {
    size: rows * channels,
    buffers,
    whole: ['scale'],
    uniforms: ({ start, count }) => ({ size: count, channels, firstChannel: start % channels }),
  })
}
