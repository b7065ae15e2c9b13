/** The sums of dy and of dy * normalized of every channel in every chunk of rows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/sums-partial.wgsl'
import { type RowWindow, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { type ColumnReduction, partialDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/sums-partial',
  source,
  bindings: {
    input: read(),
    outputGradient: read(),
    mean: read(),
    inverseDeviation: read(),
    partials: write('vec2<f32>'),
  },
  uniforms: { rows: 'u32', channels: 'u32', chunks: 'u32', rowsPerChunk: 'u32' },
})

export function sumsPartial(
  device: Device,
  buffers: {
    input: DeviceBuffer
    outputGradient: DeviceBuffer
    mean: DeviceBuffer
    inverseDeviation: DeviceBuffer
    partials: DeviceBuffer
  },
  reduction: ColumnReduction,
  window: RowWindow,
): void {
  const rowBytes = reduction.channels * 4
  kernel.dispatch(device, {
    ...partialDispatch(device, reduction, window),
    bindings: {
      input: windowOf(buffers.input, window, rowBytes),
      outputGradient: windowOf(buffers.outputGradient, window, rowBytes),
      mean: buffers.mean,
      inverseDeviation: buffers.inverseDeviation,
      partials: buffers.partials,
    },
  })
}
