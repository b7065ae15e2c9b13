/** The gradients of input and residual where mean and variance are constants and a ReLU follows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/masked-running-backward.wgsl'
import { defineKernel, read, readFloats, writeFloats } from '../kernel.js'
import { dispatchColumnMap, mapUniforms } from './column-map.js'
import type { RowsOfChannels } from './column-tile.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/masked-running-backward',
  source,
  bindings: {
    outputGradient: readFloats('vectors'),
    output: readFloats('vectors'),
    variance: read('Value'),
    weight: read('Value'),
    inputGradient: writeFloats('vectors'),
    maskedGradient: writeFloats('vectors'),
  },
  uniforms: { ...mapUniforms, eps: 'f32' },
})

export interface BatchNormMaskedRunningBackwardBuffers {
  readonly outputGradient: DeviceBuffer
  /** What the ReLU gave. */
  readonly output: DeviceBuffer
  readonly variance: DeviceBuffer
  readonly weight: DeviceBuffer
  readonly inputGradient: DeviceBuffer
  readonly maskedGradient: DeviceBuffer
}

/**
 * maskedGradient = `outputGradient`, or 0 where `output` is 0: the residual's gradient; inputGradient = maskedGradient *
 * weight / sqrt(variance + eps). `variance` and `weight` are [channels], the others [rows, channels].
 */
export function batchNormMaskedRunningBackward(
  device: Device,
  buffers: BatchNormMaskedRunningBackwardBuffers,
  shape: RowsOfChannels,
  { eps }: { eps: number },
): void {
  dispatchColumnMap(device, kernel, shape, { buffers, perChannel: ['variance', 'weight'], uniforms: { eps } })
}
