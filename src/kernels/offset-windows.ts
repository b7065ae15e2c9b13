/**
 * Windows for kernels that take the place of their first element as a uniform. Their windows may begin anywhere: the
 * binding begins at the allowed offset before it, and the uniform says how far into the binding the window begins.
 */
import type { BufferRange, DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { KernelError } from '../device/errors.js'
import { bytesPerFloat, type RowWindow, shiftedRange } from './grid.js'

/** A binding, and the index of the window's first element in it. */
export interface OffsetRange {
  readonly range: BufferRange
  readonly offset: number
}

/** Whether an operand of so many bytes fits one binding wherever it begins. */
export function fitsAnywhere(device: Device, bytes: number): boolean {
  return bytes <= device.limits.bindingSize - device.limits.offsetAlignment
}

/** A binding that holds `count` elements, f32 or f16, from element `start` on. */
export function offsetRange(device: Device, buffer: DeviceBuffer, start: number, count: number): OffsetRange {
  const { range, shift } = shiftedRange(device, buffer, { start, count }, bytesPerFloat(buffer))
  return { range, offset: shift }
}

/**
 * Splits `rows` rows into windows of at most `most` rows such that the window of every operand fits one binding. One
 * window where everything fits, which is the common case.
 *
 * @param rowBytes the bytes of one row of each operand that is cut along these rows
 * @throws KernelError when one row does not fit one binding
 */
export function offsetWindows(
  device: Device,
  kernel: string,
  rows: number,
  rowBytes: readonly number[],
  most = Infinity,
): RowWindow[] {
  const { bindingSize, offsetAlignment } = device.limits
  const largest = Math.max(0, ...rowBytes)
  if (rows <= most && largest * rows <= bindingSize) return [{ start: 0, count: rows }]
  const count = Math.min(most, Math.floor((bindingSize - offsetAlignment) / largest))
  if (count < 1) {
    throw new KernelError(
      kernel,
      `a row of ${largest} bytes does not fit one binding of ${bindingSize} bytes at any offset`,
    )
  }
  return Array.from({ length: Math.ceil(rows / count) }, (_, i) => ({
    start: i * count,
    count: Math.min(count, rows - i * count),
  }))
}
