/** Mean and sum of squared deviations of every channel in every chunk of rows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/moments-partial.wgsl'
import { type RowWindow, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { type ColumnReduction, partialDispatch } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/moments-partial',
  source,
  bindings: { input: read('Value'), origin: read('Value'), partials: write('Value') },
  uniforms: { rows: 'u32', columns: 'u32', chunks: 'u32', rowsPerChunk: 'u32' },
})

export function momentsPartial(
  device: Device,
  { input, partials }: { input: DeviceBuffer; partials: DeviceBuffer },
  reduction: ColumnReduction,
  window: RowWindow,
): void {
  const rowBytes = reduction.channels * 4
  kernel.dispatch(device, {
    ...partialDispatch(device, reduction, window),
    bindings: {
      input: windowOf(input, window, rowBytes),
      origin: windowOf(input, { start: 0, count: 1 }, rowBytes),
      partials,
    },
  })
}
