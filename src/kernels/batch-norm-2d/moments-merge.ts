/** Merges the moments of chunks into those of all rows so far. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/moments-merge.wgsl'
import type { RowWindow } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { type ColumnReduction, mergeDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/moments-merge',
  source,
  bindings: { partials: read('vec2<f32>'), moments: write('vec2<f32>') },
  uniforms: { rows: 'u32', channels: 'u32', chunks: 'u32', rowsPerChunk: 'u32', earlierRows: 'u32' },
})

export function momentsMerge(
  device: Device,
  bindings: { partials: DeviceBuffer; moments: DeviceBuffer },
  reduction: ColumnReduction,
  window: RowWindow,
): void {
  kernel.dispatch(device, { ...mergeDispatch(device, reduction, window), bindings })
}
