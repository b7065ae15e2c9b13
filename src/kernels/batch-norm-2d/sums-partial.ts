/** The sums of dy and of dy * deviations of every channel in every chunk of rows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/sums-partial.wgsl'
import { floatRows, type RowWindow } from '../grid.js'
import { defineKernel, read, readFloats, write } from '../kernel.js'
import { type ColumnReduction, partialDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/sums-partial',
  source,
  bindings: {
    input: readFloats('vectors'),
    outputGradient: readFloats('vectors'),
    mean: read('Value'),
    variance: read('Value'),
    weight: read('Value'),
    bias: read('Value'),
    partials: write('Value'),
  },
  uniforms: { rows: 'u32', columns: 'u32', chunks: 'u32', rowsPerChunk: 'u32', eps: 'f32' },
})

export interface SumsPartialBuffers {
  readonly input: DeviceBuffer
  readonly outputGradient: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly variance: DeviceBuffer
  /** Where a ReLU without a residual follows: where it gave 0 is computed from the batch norm's parameters. */
  readonly relu: { readonly weight: DeviceBuffer; readonly bias: DeviceBuffer } | undefined
  readonly partials: DeviceBuffer
}

export function sumsPartial(
  device: Device,
  { input, outputGradient, mean, variance, relu, partials }: SumsPartialBuffers,
  reduction: ColumnReduction,
  window: RowWindow,
  eps: number,
): void {
  const { channels } = reduction
  const { template, uniforms, ...dispatch } = partialDispatch(device, reduction, window)
  kernel.dispatch(device, {
    ...dispatch,
    template: { ...template, relu: relu !== undefined },
    bindings: {
      input: floatRows(input, window, channels),
      outputGradient: floatRows(outputGradient, window, channels),
      mean,
      variance,
      weight: relu?.weight ?? mean, // without a ReLU, the kernel does not look at them
      bias: relu?.bias ?? mean,
      partials,
    },
    uniforms: { ...uniforms, eps },
  })
}
