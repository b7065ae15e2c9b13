/**
 * How kernels cover their work: grids, which fold past the device's limit per dimension, and windows, which split
 * tensors larger than one binding.
 */
import type { BufferRange, DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { KernelError } from '../device/errors.js'
import type { Workgroups } from '../device/program.js'

/** The bytes of an element of a buffer of f32 or f16. */
export function bytesPerFloat({ half }: DeviceBuffer): 2 | 4 {
  return half ? 2 : 4
}

/** A grid of at least `count` workgroups along x, folded into y where x is full. See common/linear-index.wgsl. */
export function linearGrid(device: Device, count: number): Workgroups {
  const limit = device.limits.workgroupsPerDimension
  if (count <= limit) return [Math.max(1, count), 1, 1]
  const y = Math.ceil(count / limit)
  return [Math.ceil(count / y), y, 1]
}

/** A grid of one invocation per element in workgroups of `device.workgroupSize`. */
export function elementGrid(device: Device, elements: number): Workgroups {
  return linearGrid(device, Math.ceil(elements / device.workgroupSize))
}

export interface RowWindow {
  readonly start: number
  readonly count: number
}

/**
 * Splits `rows` rows into windows such that the window of every operand fits one binding and begins at an allowed
 * offset. One window where everything fits, which is the common case.
 *
 * @param rowBytes the bytes of one row of each operand that is cut along these rows
 * @throws KernelError when not even the fewest rows that can be aligned fit one binding
 */
export function rowWindows(device: Device, kernel: string, rows: number, rowBytes: readonly number[]): RowWindow[] {
  const { bindingSize, offsetAlignment } = device.limits
  if (rowBytes.every((bytes) => bytes * rows <= bindingSize)) return [{ start: 0, count: rows }]
  const granularity = rowBytes.reduce((rowsSoFar, bytes) => {
    const needed = offsetAlignment / greatestCommonDivisor(bytes, offsetAlignment)
    return (rowsSoFar * needed) / greatestCommonDivisor(rowsSoFar, needed)
  }, 1)
  const most = Math.floor(bindingSize / Math.max(...rowBytes))
  const count = Math.floor(most / granularity) * granularity
  if (count === 0) {
    throw new KernelError(
      kernel,
      `${granularity} row(s) of ${Math.max(...rowBytes)} bytes do not fit one binding of ${bindingSize} bytes`,
    )
  }
  return Array.from({ length: Math.ceil(rows / count) }, (_, i) => ({
    start: i * count,
    count: Math.min(count, rows - i * count),
  }))
}

/** The bytes of a window of rows as a range of its buffer; bindings come in multiples of 4 bytes, and so do buffers. */
export function windowOf(buffer: DeviceBuffer, { start, count }: RowWindow, rowBytes: number): BufferRange {
  return { buffer, offset: start * rowBytes, size: Math.ceil((count * rowBytes) / 4) * 4 }
}

/** A window of the rows of a buffer of f32 or f16, `rowLength` elements each. */
export function floatRows(buffer: DeviceBuffer, window: RowWindow, rowLength: number): BufferRange {
  return windowOf(buffer, window, rowLength * bytesPerFloat(buffer))
}

/**
 * `count` elements from element `start` on, wherever that is: the range begins at the last allowed offset before it, and
 * the kernel skips `shift` elements.
 */
export function shiftedRange(
  device: Device,
  buffer: DeviceBuffer,
  { start, count }: RowWindow,
  elementBytes: number,
): { range: BufferRange; shift: number } {
  const { offsetAlignment } = device.limits
  const skipped = (start * elementBytes) % offsetAlignment
  const offset = start * elementBytes - skipped
  const size = Math.ceil((skipped + count * elementBytes) / 4) * 4
  return { range: { buffer, offset, size }, shift: skipped / elementBytes }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
