/** The input's gradient where mean and variance are those of the batch. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/training-backward.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'
import type { RowsOfChannels } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/training-backward',
  source,
  bindings: {
    outputGradient: read(),
    input: read(),
    mean: read(),
    inverseDeviation: read(),
    scale: read(),
    gradientSum: read(),
    productSum: read(),
    inputGradient: write(),
  },
  uniforms: { size: 'u32', channels: 'u32', firstChannel: 'u32', rows: 'u32' },
})

/** `outputGradient`, `input` and `inputGradient` are [rows, channels], the others [channels]. */
export function batchNormTrainingBackward(
  device: Device,
  buffers: {
    outputGradient: DeviceBuffer
    input: DeviceBuffer
    mean: DeviceBuffer
    inverseDeviation: DeviceBuffer
    scale: DeviceBuffer
    gradientSum: DeviceBuffer
    productSum: DeviceBuffer
    inputGradient: DeviceBuffer
  },
  { rows, channels }: RowsOfChannels,
): void {
  dispatchElementwise(device, kernel, {
    size: rows * channels,
    buffers,
    whole: ['mean', 'inverseDeviation', 'scale', 'gradientSum', 'productSum'],
    uniforms: ({ start, count }) => ({ size: count, channels, firstChannel: start % channels, rows }),
    workPerElement: 8,
  })
}
