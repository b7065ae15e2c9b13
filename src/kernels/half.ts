/** Weights in half the memory, for kernels whose other operands are f16 as well. */
import type { DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { castFloats } from './cast/floats.js'
import { withPacked } from './packed.js'

export interface HalfForm {
  /** f32. */
  readonly source: DeviceBuffer
  /** The number of elements. */
  readonly size: number
  /** Whether the form is kept for the next call, until the contents change. */
  readonly keep: boolean
}

/** Runs `body` with the contents of a buffer as f16. */
export function withHalfForm<R>(device: Device, { source, size, keep }: HalfForm, body: (half: DeviceBuffer) => R): R {
  const pack = (output: DeviceBuffer) => castFloats(device, { input: source, output, size })
  return withPacked(device, { source, name: 'f16', byteLength: size * 2, half: true, keep, pack }, body)
}
