/** The input's gradient where mean and variance are those of the batch. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/training-backward.wgsl'
import { defineKernel, read, readFloats, writeFloats } from '../kernel.js'
import { dispatchColumnMap, mapUniforms } from './column-map.js'
import type { RowsOfChannels } from './column-tile.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/training-backward',
  source,
  bindings: {
    outputGradient: readFloats('vectors'),
    input: readFloats('vectors'),
    mean: read('Value'),
    variance: read('Value'),
    weight: read('Value'),
    bias: read('Value'),
    gradientMeans: read('Value'),
    inputGradient: writeFloats('vectors'),
  },
  uniforms: { ...mapUniforms, eps: 'f32' },
})

export interface BatchNormTrainingBackwardBuffers {
  readonly outputGradient: DeviceBuffer
  readonly input: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly variance: DeviceBuffer
  readonly weight: DeviceBuffer
  /** Only where a ReLU without a residual follows: its gradient is 0 where the batch norm's output is not positive. */
  readonly bias: DeviceBuffer | undefined
  readonly gradientMeans: DeviceBuffer
  readonly inputGradient: DeviceBuffer
}

/**
 * `outputGradient`, `input` and `inputGradient` are [rows, channels], `gradientMeans` is [2, channels] (see `batchNormSums`),
 * the others [channels].
 */
export function batchNormTrainingBackward(
  device: Device,
  { bias, ...buffers }: BatchNormTrainingBackwardBuffers,
  shape: RowsOfChannels,
  { eps }: { eps: number },
): void {
  dispatchColumnMap(device, kernel, shape, {
    buffers: { ...buffers, bias: bias ?? buffers.weight }, // without a ReLU, the kernel does not look at it
    perChannel: ['mean', 'variance', 'weight', 'bias', 'gradientMeans'],
    uniforms: { eps },
    template: { relu: bias !== undefined },
  })
}
