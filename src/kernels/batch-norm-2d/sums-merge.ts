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
  bindings: { partials: read('vec2<f32>'), gradientSum: write(), productSum: write() },
  uniforms: { rows: 'u32', channels: 'u32', chunks: 'u32', rowsPerChunk: 'u32', earlierRows: 'u32' },
})

export function sumsMerge(
  device: Device,
  bindings: { partials: DeviceBuffer; gradientSum: DeviceBuffer; productSum: DeviceBuffer },
  reduction: ColumnReduction,
  window: RowWindow,
): void {
  kernel.dispatch(device, { ...mergeDispatch(device, reduction, window), bindings })
}
