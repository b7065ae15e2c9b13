/** Transposes matrices through registers. */
import type { Device } from '../../device/device.js'
import source from '../../../shaders/permute/transpose-blocks.wgsl'
import { elementGrid } from '../grid.js'
import { defineKernel, read, readFloats, write, writeFloats } from '../kernel.js'
import type { Matrices } from './matrices.js'

const blocks = {
  name: 'permute/transpose-blocks',
  source,
  uniforms: { blocks: 'u32', rows: 'u32', columns: 'u32' },
} as const
const ofWords = defineKernel({ ...blocks, bindings: { input: read('RowElement'), output: write('ColumnElement') } })
const ofHalves = defineKernel({
  ...blocks,
  bindings: { input: readFloats('rowsInFours'), output: writeFloats('columnsInFours') },
})

/** The side of the square that an invocation moves. */
export const transposeBlock = 4

export function transposeByBlocks(device: Device, { input, output, batch, rows, columns }: Matrices): void {
  const count = Math.ceil(rows / transposeBlock) * Math.ceil(columns / transposeBlock) * batch
  const { half } = input.buffer
  const kernel = half ? ofHalves : ofWords
  kernel.dispatch(device, {
    template: {
      workgroupSize: device.workgroupSize,
      element: half ? 'f16' : 'u32',
      rowsInFours: columns % 4 === 0,
      columnsInFours: rows % 4 === 0,
    },
    bindings: { input, output },
    uniforms: { blocks: count, rows, columns },
    workgroups: elementGrid(device, count),
    work: batch * rows * columns,
  })
}
