/**
 * The arenas that plans place their memory in. Nothing in them outlives a run of a plan, and runs come one after another, so all
 * plans of a device share them: a plan for a smaller batch needs nothing of its own.
 */
import type { DeviceBuffer } from '../buffer.js'

/** One buffer. It is replaced by a larger one when a plan needs that. */
export interface Arena {
  readonly buffer: DeviceBuffer
}

interface SharedArena {
  buffer: DeviceBuffer
  users: number
}

export class Arenas {
  readonly #arenas: SharedArena[] = []

  /** @param reserve gives memory of so many bytes, or throws `OutOfMemoryError` */
  constructor(private readonly reserve: (bytes: number) => DeviceBuffer) {}

  /**
   * Arenas of at least these sizes, in bytes, which `giveBack` has to be called with. Throws `OutOfMemoryError`; plans that were
   * made before keep theirs then.
   */
  take(sizes: readonly number[]): Arena[] {
    const taken: Arena[] = []
    try {
      // the largest sizes for the first arenas, whichever plan asks: they fit each other best so
      const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]!)
      for (const [number, index] of order.entries()) taken[index] = this.#takeOne(number, sizes[index]!)
      return taken
    } catch (error) {
      this.giveBack(taken.filter(Boolean))
      throw error
    }
  }

  /** Returns arenas; what no plan uses any more goes back to the GPU. */
  giveBack(arenas: readonly Arena[]): void {
    for (const arena of arenas as readonly SharedArena[]) {
      if (--arena.users > 0) continue
      arena.buffer.release()
      this.#arenas.splice(this.#arenas.indexOf(arena), 1)
    }
  }

  #takeOne(number: number, size: number): SharedArena {
    let arena = this.#arenas[number]
    if (!arena) {
      arena = { buffer: this.reserve(size), users: 0 }
      this.#arenas.push(arena)
    } else if (arena.buffer.byteLength < size) {
      this.#grow(arena, size)
    }
    arena.users++
    return arena
  }

  #grow(arena: SharedArena, size: number): void {
    const before = arena.buffer.byteLength
    arena.buffer.release() // first, so that there never have to be both
    try {
      arena.buffer = this.reserve(size)
    } catch (error) {
      arena.buffer = this.reserve(before)
      throw error
    }
  }
}
