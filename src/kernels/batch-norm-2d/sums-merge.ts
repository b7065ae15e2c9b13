/** Adds the sums of chunks up to those of all rows so far. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/sums-merge.wgsl'
import type { RowWindow } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { type ColumnReduction, mergeDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/sums-merge',
  source,
  bindings: { partials: read(), gradientSum: write(), productSum: write(), gradientMeans: write() },
  uniforms: { rows: 'u32', columns: 'u32', chunks: 'u32', rowsPerChunk: 'u32', earlierRows: 'u32', allRows: 'u32' },
})

export interface SumsMergeBuffers {
  readonly partials: DeviceBuffer
  readonly gradientSum: DeviceBuffer
  readonly productSum: DeviceBuffer
  readonly gradientMeans: DeviceBuffer
}

export function sumsMerge(
  device: Device,
  { partials, gradientSum, productSum, gradientMeans }: SumsMergeBuffers,
  reduction: ColumnReduction,
  window: RowWindow,
): void {
  const bindings = { partials, gradientSum, productSum, gradientMeans }
  kernel.dispatch(device, { ...mergeDispatch(device, reduction, window), bindings })
}
