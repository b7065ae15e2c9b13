/** Transposes a batch of matrices: through tiles in shared memory on GPUs, through registers on adapters that are CPUs. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import blocksSource from '../../../shaders/permute/transpose-blocks.wgsl'
import source from '../../../shaders/permute/transpose.wgsl'
import { bytesPerFloat, elementGrid, linearGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, readFloats, write, writeFloats } from '../kernel.js'

const tiles = {
  name: 'permute/transpose',
  source,
  uniforms: { batch: 'u32', rows: 'u32', columns: 'u32' },
} as const
const blocks = {
  name: 'permute/transpose-blocks',
  source: blocksSource,
  uniforms: { blocks: 'u32', rows: 'u32', columns: 'u32' },
} as const
const ofWords = {
  element: 'u32',
  tileKernel: defineKernel({ ...tiles, bindings: { input: read('u32'), output: write('u32') } }),
  blockKernel: defineKernel({ ...blocks, bindings: { input: read('RowElement'), output: write('ColumnElement') } }),
}
const ofHalves = {
  element: 'f16',
  tileKernel: defineKernel({ ...tiles, bindings: { input: readFloats(), output: writeFloats() } }),
  blockKernel: defineKernel({
    ...blocks,
    bindings: { input: readFloats('rowsInFours'), output: writeFloats('columnsInFours') },
  }),
}

/** The side of the square that a workgroup (an invocation, on a CPU) moves: smaller matrices leave most of it idle. */
export function transposeTile(device: Device): number {
  return usesBlocks(device) ? blockSide : 2 ** Math.floor(Math.log2(device.workgroupSize) / 2)
}

/** On a CPU a barrier costs more than the accesses that it orders: caches serve any order. */
function usesBlocks(device: Device): boolean {
  return device.adapter.kind === 'software'
}

const blockSide = 4

/**
 * output[b][c][r] = input[b][r][c] for elements of four bytes, or f16.
 *
 * @returns whether it was done: a single matrix larger than one binding cannot be cut into windows
 */
export function transposeMatrices(
  device: Device,
  {
    input,
    output,
    batch,
    rows,
    columns,
  }: { input: DeviceBuffer; output: DeviceBuffer; batch: number; rows: number; columns: number },
): boolean {
  const { element, tileKernel, blockKernel } = input.half ? ofHalves : ofWords
  const elementBytes = bytesPerFloat(input)
  const bytes = rows * columns * elementBytes
  // an aligned window may need as many matrices as an offset's alignment has elements
  const alignable = (bytes * device.limits.offsetAlignment) / elementBytes <= device.limits.bindingSize
  if (bytes * batch > device.limits.bindingSize && !alignable) return false
  const side = transposeTile(device)
  const squares = Math.ceil(rows / side) * Math.ceil(columns / side)
  const inFours = { rowsInFours: columns % 4 === 0, columnsInFours: rows % 4 === 0 }
  for (const window of rowWindows(device, tileKernel.name, batch, [bytes])) {
    const bindings = { input: windowOf(input, window, bytes), output: windowOf(output, window, bytes) }
    const work = window.count * rows * columns
    if (usesBlocks(device)) {
      const blocks = squares * window.count
      blockKernel.dispatch(device, {
        template: { workgroupSize: device.workgroupSize, element, ...inFours },
        bindings,
        uniforms: { blocks, rows, columns },
        workgroups: elementGrid(device, blocks),
        work,
      })
    } else {
      tileKernel.dispatch(device, {
        template: { tile: side, element },
        bindings,
        uniforms: { batch: window.count, rows, columns },
        workgroups: linearGrid(device, squares * window.count),
        work,
      })
    }
  }
  return true
}
