/**
 * What must not happen twice when a part of a network is computed again in the backward pass: drawing random numbers, and moving
 * running statistics. See ops/checkpoint.ts.
 */
import { AutogradError } from '../device/errors.js'
import type { RandomNumbers } from '../kernels/random/random-numbers.js'

export class Recomputation {
  /** What the parts that are computed for the first time have drawn so far, the innermost last. */
  readonly #recordings: RandomNumbers[][] = []
  /** What is left of the draws of parts that are computed again. */
  readonly #replays: RandomNumbers[][] = []

  /** Whether something is computed that was computed before. */
  get active(): boolean {
    return this.#replays.length > 0
  }

  /** Runs a function and notes the random numbers that it draws. */
  record<T>(draws: RandomNumbers[], body: () => T): T {
    return within(this.#recordings, draws, body)
  }

  /** Runs the function again with the same numbers. */
  replay<T>(draws: readonly RandomNumbers[], body: () => T): T {
    return within(this.#replays, [...draws], body)
  }

  /** Random numbers for one use: those of the first run, or new ones from `draw`. */
  draw(draw: () => RandomNumbers): RandomNumbers {
    const replay = this.#replays.at(-1)
    const drawn = replay ? replay.shift() : draw()
    if (!drawn) throw new AutogradError('checkpoint: the function draws more random numbers the second time')
    for (const recording of this.#recordings) recording.push(drawn)
    return drawn
  }
}

function within<T, E>(stack: E[], entry: E, body: () => T): T {
  stack.push(entry)
  try {
    return body()
  } finally {
    stack.pop()
  }
}
