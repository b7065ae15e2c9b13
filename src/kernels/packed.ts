/** Forms of a buffer's contents that kernels read instead of the contents themselves. */
import type { DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'

export interface PackedForm {
  readonly source: DeviceBuffer
  /** Other buffers that the form is made of. */
  readonly others?: readonly DeviceBuffer[]
  /** What tells this form from others of the same buffers. */
  readonly name: string
  readonly byteLength: number
  /** Whether its elements are f16; not by default. */
  readonly half?: boolean
  /** Whether the form is kept for the next call, until one of the buffers changes. */
  readonly keep: boolean
  /** Makes the form. */
  readonly pack: (into: DeviceBuffer) => void
}

/** Runs `body` with a form, which `pack` makes where none was kept. */
export function withPacked<R>(
  device: Device,
  { source, others, name, byteLength, half, keep, pack }: PackedForm,
  body: (packed: DeviceBuffer) => R,
): R {
  const allocate = () => device.allocate(byteLength, half)
  const kept = keep ? device.keepForm(source, { name, others, allocate, pack }) : undefined
  if (kept) return body(kept)
  const packed = allocate()
  pack(packed) // without contents while nothing is recorded
  const result = body(packed)
  packed.release()
  return result
}
