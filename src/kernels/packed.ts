/** Forms of a buffer's contents that kernels read instead of the contents themselves. */
import type { DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'

export interface PackedForm {
  readonly source: DeviceBuffer
  /** Other buffers that the form is made of. */
  readonly others?: readonly DeviceBuffer[]
  /** What tells this form from others of the same buffers. */
  readonly name: string
  /** Whether the form is kept for the next call, until one of the buffers changes. */
  readonly keep: boolean
  readonly pack: () => DeviceBuffer
}

/** Runs `body` with a form, which `pack` makes where none was kept. */
export function withPacked<R>(
  device: Device,
  { source, others, name, keep, pack }: PackedForm,
  body: (packed: DeviceBuffer) => R,
): R {
  if (keep && device.recording) return body(source.packed(name, pack, others))
  const packed = pack() // without contents while nothing is recorded
  const result = body(packed)
  packed.release()
  return result
}
