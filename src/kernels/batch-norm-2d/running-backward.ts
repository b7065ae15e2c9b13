/** The input's gradient where mean and variance are constants. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/running-backward.wgsl'
import { defineKernel, read, readFloats, writeFloats } from '../kernel.js'
import { dispatchColumnMap, mapUniforms } from './column-map.js'
import type { RowsOfChannels } from './column-tile.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/running-backward',
  source,
  bindings: {
    outputGradient: readFloats('vectors'),
    output: readFloats('vectors'),
    variance: read('Value'),
    weight: read('Value'),
    inputGradient: writeFloats('vectors'),
  },
  uniforms: { ...mapUniforms, eps: 'f32' },
})

export interface BatchNormRunningBackwardBuffers {
  readonly outputGradient: DeviceBuffer
  /** What a ReLU behind the batch norm gave, if there is one. */
  readonly output: DeviceBuffer | undefined
  readonly variance: DeviceBuffer
  readonly weight: DeviceBuffer
  readonly inputGradient: DeviceBuffer
}

/**
 * inputGradient = dy * weight / sqrt(variance + eps), where dy is `outputGradient`, or 0 where `output` is 0. `variance` and
 * `weight` are [channels], the others [rows, channels].
 */
export function batchNormRunningBackward(
  device: Device,
  { output, ...buffers }: BatchNormRunningBackwardBuffers,
  shape: RowsOfChannels,
  { eps }: { eps: number },
): void {
  dispatchColumnMap(device, kernel, shape, {
    buffers: { ...buffers, output: output ?? buffers.outputGradient }, // without a ReLU, the kernel does not look at it
    perChannel: ['variance', 'weight'],
    uniforms: { eps },
    template: { relu: output !== undefined },
  })
}
