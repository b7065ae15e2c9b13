/** Mean and sum of squared deviations of every channel in every chunk of rows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/moments-partial.wgsl'
import { floatRows, type RowWindow } from '../grid.js'
import { defineKernel, readFloats, write } from '../kernel.js'
import { type ColumnReduction, partialDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/moments-partial',
  source,
  bindings: { input: readFloats('vectors'), origin: readFloats('vectors'), partials: write('Value') },
  uniforms: { rows: 'u32', columns: 'u32', chunks: 'u32', rowsPerChunk: 'u32' },
})

export function momentsPartial(
  device: Device,
  { input, partials }: { input: DeviceBuffer; partials: DeviceBuffer },
  reduction: ColumnReduction,
  window: RowWindow,
): void {
  const { channels } = reduction
  kernel.dispatch(device, {
    ...partialDispatch(device, reduction, window),
    bindings: {
      input: floatRows(input, window, channels),
      origin: floatRows(input, { start: 0, count: 1 }, channels),
      partials,
    },
  })
}
