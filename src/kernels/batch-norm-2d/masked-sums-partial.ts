/** The output's gradient in front of a ReLU, and its sums as `sums-partial` computes them. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/masked-sums-partial.wgsl'
import { type RowWindow, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { type ColumnReduction, partialDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/masked-sums-partial',
  source,
  bindings: {
    input: read('Value'),
    outputGradient: read('Value'),
    output: read('Value'),
    mean: read('Value'),
    variance: read('Value'),
    maskedGradient: write('Value'),
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
  const rowBytes = reduction.channels * 4
  const { uniforms, ...dispatch } = partialDispatch(device, reduction, window)
  kernel.dispatch(device, {
    ...dispatch,
    bindings: {
      input: windowOf(input, window, rowBytes),
      outputGradient: windowOf(outputGradient, window, rowBytes),
      output: windowOf(output, window, rowBytes),
      mean,
      variance,
      maskedGradient: windowOf(maskedGradient, window, rowBytes),
      partials,
    },
    uniforms: { ...uniforms, eps },
  })
}
