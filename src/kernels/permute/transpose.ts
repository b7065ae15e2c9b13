/** Transposes matrices through tiles in shared memory. */
import type { Device } from '../../device/device.js'
import source from '../../../shaders/permute/transpose.wgsl'
import { linearGrid } from '../grid.js'
import { defineKernel, read, readFloats, write, writeFloats } from '../kernel.js'
import type { Matrices } from './matrices.js'

const tiles = {
  name: 'permute/transpose',
  source,
  uniforms: { batch: 'u32', rows: 'u32', columns: 'u32' },
} as const
const ofWords = defineKernel({ ...tiles, bindings: { input: read('u32'), output: write('u32') } })
const ofHalves = defineKernel({ ...tiles, bindings: { input: readFloats(), output: writeFloats() } })

/** The side of a tile: its elements are the invocations of one workgroup. */
export function transposeTile(device: Device): number {
  return 2 ** Math.floor(Math.log2(device.workgroupSize) / 2)
}

export function transposeByTiles(device: Device, { input, output, batch, rows, columns }: Matrices): void {
  const tile = transposeTile(device)
  const { half } = input.buffer
  const kernel = half ? ofHalves : ofWords
  kernel.dispatch(device, {
    template: { tile, element: half ? 'f16' : 'u32' },
    bindings: { input, output },
    uniforms: { batch, rows, columns },
    workgroups: linearGrid(device, Math.ceil(rows / tile) * Math.ceil(columns / tile) * batch),
    work: batch * rows * columns,
  })
}
