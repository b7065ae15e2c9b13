/** Merges the moments of chunks into those of all rows so far; after the last ones, moves the running statistics. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/moments-merge.wgsl'
import { floatRows, type RowWindow } from '../grid.js'
import { defineKernel, read, readFloats, type UniformValue, write } from '../kernel.js'
import { type ColumnReduction, mergeDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/moments-merge',
  source,
  bindings: {
    partials: read(),
    origin: readFloats(),
    mean: write(),
    variance: write(),
    runningMean: write(),
    runningVar: write(),
  },
  uniforms: {
    rows: 'u32',
    columns: 'u32',
    chunks: 'u32',
    rowsPerChunk: 'u32',
    earlierRows: 'u32',
    allRows: 'u32',
    momentum: 'f32',
  },
})

export interface MomentsMergeBuffers {
  readonly input: DeviceBuffer
  readonly partials: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly variance: DeviceBuffer
  readonly runningMean: DeviceBuffer
  readonly runningVar: DeviceBuffer
}

export function momentsMerge(
  device: Device,
  { input, ...buffers }: MomentsMergeBuffers,
  reduction: ColumnReduction,
  window: RowWindow,
  momentum: UniformValue,
): void {
  const dispatch = mergeDispatch(device, reduction, window)
  kernel.dispatch(device, {
    ...dispatch,
    bindings: { ...buffers, origin: floatRows(input, { start: 0, count: 1 }, reduction.channels) },
    uniforms: { ...dispatch.uniforms, momentum },
  })
}
