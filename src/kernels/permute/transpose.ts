/** Transposes a batch of matrices through tiles in shared memory. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/permute/transpose.wgsl'
import { linearGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'permute/transpose',
  source,
  bindings: { input: read('u32'), output: write('u32') },
  uniforms: { batch: 'u32', rows: 'u32', columns: 'u32' },
})

/** The side of a tile: its elements are the invocations of one workgroup. */
export function transposeTile(device: Device): number {
  return 2 ** Math.floor(Math.log2(device.workgroupSize) / 2)
}

/**
 * output[b][c][r] = input[b][r][c] for elements of four bytes.
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
  const bytes = rows * columns * 4
  // an aligned window may need as many matrices as an offset's alignment has elements
  const alignable = (bytes * device.limits.offsetAlignment) / 4 <= device.limits.bindingSize
  if (bytes * batch > device.limits.bindingSize && !alignable) return false
  const tile = transposeTile(device)
  const tilesPerMatrix = Math.ceil(rows / tile) * Math.ceil(columns / tile)
  for (const window of rowWindows(device, kernel.name, batch, [bytes])) {
    kernel.dispatch(device, {
      template: { tile },
      bindings: { input: windowOf(input, window, bytes), output: windowOf(output, window, bytes) },
      uniforms: { batch: window.count, rows, columns },
      workgroups: linearGrid(device, tilesPerMatrix * window.count),
      work: window.count * rows * columns,
    })
  }
  return true
}
