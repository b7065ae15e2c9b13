/** output = relu((input - mean) * weight / sqrt(variance + eps) + bias + residual), channel by channel. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/normalize.wgsl'
import { defineKernel, read, readFloats, writeFloats } from '../kernel.js'
import { dispatchColumnMap, mapUniforms } from './column-map.js'
import type { RowsOfChannels } from './column-tile.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/normalize',
  source,
  bindings: {
    input: readFloats('vectors'),
    mean: read('Value'),
    variance: read('Value'),
    weight: read('Value'),
    bias: read('Value'),
    residual: readFloats('vectors'),
    output: writeFloats('vectors'),
  },
  uniforms: { ...mapUniforms, eps: 'f32' },
})

export interface BatchNormNormalizeBuffers {
  readonly input: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly variance: DeviceBuffer
  readonly weight: DeviceBuffer
  readonly bias: DeviceBuffer
  /** Added to the normalised input. */
  readonly residual: DeviceBuffer | undefined
  readonly output: DeviceBuffer
}

/** `input`, `residual` and `output` are [rows, channels], the others [channels]; `relu` replaces negative results by 0. */
export function batchNormNormalize(
  device: Device,
  { residual, ...buffers }: BatchNormNormalizeBuffers,
  shape: RowsOfChannels,
  { eps, relu }: { eps: number; relu: boolean },
): void {
  dispatchColumnMap(device, kernel, shape, {
    buffers: { ...buffers, residual: residual ?? buffers.input }, // without a residual, the kernel does not look at it
    perChannel: ['mean', 'variance', 'weight', 'bias'],
    uniforms: { eps },
    template: { residual: residual !== undefined, relu },
  })
}
