/**
 * Who owns GPU memory. Each tensor owns a handle; a handle holds one reference to a buffer and one to the tape node that
 * made it. Handles are released
 * - by the end of the scope in which the tensor was made (every module call is one),
 * - by `backward()` as it passes the tensor,
 * - and, for tensors that no scope owns, when JavaScript collects the tensor: a safety net that no training loop needs.
 */
import type { DeviceBuffer } from '../device/buffer.js'
import { AutogradError } from '../device/errors.js'
import type { TapeNode } from './tape-node.js'

export class Handle {
  #released: string | undefined
  /** The operation that made the tensor, if gradients flow through it. */
  node: TapeNode | undefined

  #buffer: DeviceBuffer

  constructor(buffer: DeviceBuffer) {
    this.#buffer = buffer
  }

  get buffer(): DeviceBuffer {
    return this.#buffer
  }

  /** Takes over one reference to another buffer, with the same contents, in exchange for the one that it has. */
  moveTo(buffer: DeviceBuffer): void {
    buffer.version = this.#buffer.version
    this.#buffer.release()
    this.#buffer = buffer
  }

  get released(): boolean {
    return this.#released !== undefined
  }

  /** Returns the memory; `reason` is what a later use of the tensor reports. */
  release(reason: string): void {
    if (this.#released !== undefined) return
    this.#released = reason
    this.#buffer.release()
    this.node?.release()
    this.node = undefined
  }

  check(tensor: string): void {
    if (this.#released === undefined) return
    throw new AutogradError(
      `the memory of ${tensor} was returned by ${this.#released}; read it before, or keep a copy with detach()`,
    )
  }
}

/** Releases the handles of tensors that JavaScript has collected. */
export const collected = new FinalizationRegistry<Handle>((handle) => {
  handle.release('garbage collection')
})
