/**
 * Mistakes in the data that only the GPU can see, such as a label outside of the classes. A kernel that checks its
 * data gets a slot in the fault buffer and writes the position of the offending element (plus one) into it; the next
 * read-back looks at the buffer and throws. Nothing is read back for this alone.
 */
import type { DeviceBuffer } from './buffer.js'
import { DataError } from './errors.js'

/** Names a check: who checks, what was expected, and how to describe the element at a position. */
export interface FaultDescription {
  readonly source: string
  readonly expected: string
  readonly describe: (position: number) => string
}

const slots = 256

/** The size of the fault buffer in bytes. */
export const faultBytes = slots * 4

export class FaultLog {
  readonly #descriptions: FaultDescription[] = []
  readonly #slotOfKey = new Map<string, number>()

  constructor(readonly buffer: DeviceBuffer) {}

  /** The slot of a check; equal descriptions share one. */
  slot(description: FaultDescription): number {
    const key = `${description.source}\n${description.expected}`
    let slot = this.#slotOfKey.get(key)
    if (slot === undefined) {
      slot = Math.min(this.#descriptions.length, slots - 1) // so many different checks share the last slot
      this.#descriptions[slot] = description
      this.#slotOfKey.set(key, slot)
    }
    return slot
  }

  get inUse(): boolean {
    return this.#slotOfKey.size > 0
  }

  /** The error for the fault buffer's contents, if there is any fault. */
  error(contents: Uint32Array): DataError | undefined {
    const slot = contents.findIndex((value) => value !== 0)
    const fault = this.#descriptions[slot]
    return fault && new DataError(fault.source, fault.expected, fault.describe(contents[slot]! - 1))
  }
}
