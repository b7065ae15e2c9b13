/** The output's gradient in front of a ReLU, and its sums as `sums-partial` computes them. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/masked-sums-partial.wgsl'
import { floatRows, type RowWindow } from '../grid.js'
import { defineKernel, read, readFloats, write, writeFloats } from '../kernel.js'
import { type ColumnReduction, partialDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/masked-sums-partial',
  source,
  bindings: {
    input: readFloats('vectors'),
    outputGradient: readFloats('vectors'),
    output: readFloats('vectors'),
    mean: read('Value'),
    variance: read('Value'),
    maskedGradient: writeFloats('vectors'),
    partials: write('Value'),
  },
  uniforms: { rows: 'u32', columns: 'u32', chunks: 'u32', rowsPerChunk: 'u32', eps: 'f32' },
})

export interface MaskedSumsPartialBuffers {
  readonly input: DeviceBuffer
  readonly outputGradient: DeviceBuffer
  /** What the ReLU gave. */
  readonly output: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly variance: DeviceBuffer
  readonly maskedGradient: DeviceBuffer
  readonly partials: DeviceBuffer
}

export function maskedSumsPartial(
  device: Device,
  { input, outputGradient, output, mean, variance, maskedGradient, partials }: MaskedSumsPartialBuffers,
  reduction: ColumnReduction,
  window: RowWindow,
  eps: number,
): void {
  const { channels } = reduction
  const { uniforms, ...dispatch } = partialDispatch(device, reduction, window)
  kernel.dispatch(device, {
    ...dispatch,
    bindings: {
      input: floatRows(input, window, channels),
      outputGradient: floatRows(outputGradient, window, channels),
      output: floatRows(output, window, channels),
      mean,
      variance,
      maskedGradient: floatRows(maskedGradient, window, channels),
      partials,
    },
    uniforms: { ...uniforms, eps },
  })
}
