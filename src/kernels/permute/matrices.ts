/** Transposes a batch of matrices: through tiles in shared memory on GPUs, through registers on adapters that are CPUs. */
import type { BufferRange, DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { bytesPerFloat, rowWindows, windowOf } from '../grid.js'
import { transposeByBlocks, transposeBlock } from './transpose-blocks.js'
import { transposeByTiles, transposeTile } from './transpose.js'

/** Contiguous matrices of one shape, all within one binding. */
export interface Matrices {
  readonly input: BufferRange
  readonly output: BufferRange
  readonly batch: number
  readonly rows: number
  readonly columns: number
}

/** The side of the square that a workgroup (an invocation, on a CPU) moves: smaller matrices leave most of it idle. */
export function transposeSide(device: Device): number {
  return usesBlocks(device) ? transposeBlock : transposeTile(device)
}

/** On a CPU a barrier costs more than the accesses that it orders: caches serve any order. */
function usesBlocks(device: Device): boolean {
  return device.adapter.kind === 'software'
}

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
  const elementBytes = bytesPerFloat(input)
  const bytes = rows * columns * elementBytes
  // an aligned window may need as many matrices as an offset's alignment has elements
  const alignable = (bytes * device.limits.offsetAlignment) / elementBytes <= device.limits.bindingSize
  if (bytes * batch > device.limits.bindingSize && !alignable) return false
  const transpose = usesBlocks(device) ? transposeByBlocks : transposeByTiles
  for (const window of rowWindows(device, 'permute/transpose', batch, [bytes])) {
    const ranges = { input: windowOf(input, window, bytes), output: windowOf(output, window, bytes) }
    transpose(device, { ...ranges, batch: window.count, rows, columns })
  }
  return true
}
