/** Measured times, by problem. */
import type { Method, ProblemKey } from './tunable.js'

export interface Timing {
  readonly method: Method
  /** The median of its runs. */
  readonly milliseconds: number
  /** How many runs were timed. */
  readonly runs: number
}

export interface MeasuredProblem extends ProblemKey {
  /** When, as an ISO 8601 date. */
  readonly date: string
  /** Of every method that was tried, at least one. */
  readonly timings: readonly Timing[]
}

/** How many times as large, or as small, a batch may be for what was measured of it to be believed of another one. */
const likeBatch = 4

/** Problems with what is known of them; at most one entry for each. */
export class TuningTable<Entry extends ProblemKey> {
  readonly #shapes = new Map<string, Map<number, Entry>>()

  constructor(entries: Iterable<Entry> = []) {
    for (const entry of entries) this.set(entry)
  }

  set(entry: Entry): void {
    const key = shapeKey(entry)
    const batches = this.#shapes.get(key)
    if (batches) batches.set(entry.batch, entry)
    else this.#shapes.set(key, new Map([[entry.batch, entry]]))
  }

  get(problem: ProblemKey): Entry | undefined {
    return this.#shapes.get(shapeKey(problem))?.get(problem.batch)
  }

  /** The same shape with the batch that is the most like the problem's, of two as near the larger. */
  nearest(problem: ProblemKey): Entry | undefined {
    const distance = ({ batch }: ProblemKey) => Math.abs(Math.log2(batch / problem.batch))
    const batches = [...(this.#shapes.get(shapeKey(problem))?.values() ?? [])]
    const [best] = batches.sort((a, b) => distance(a) - distance(b) || b.batch - a.batch)
    return best && distance(best) <= Math.log2(likeBatch) ? best : undefined
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (const batches of this.#shapes.values()) yield* batches.values()
  }
}

/** All problems of two tables; of one that is in both, what was measured last. */
export function mergeMeasured(
  a: Iterable<MeasuredProblem>,
  b: Iterable<MeasuredProblem>,
): TuningTable<MeasuredProblem> {
  const merged = new TuningTable(a)
  for (const entry of b) {
    const other = merged.get(entry)
    if (!other || Date.parse(other.date) <= Date.parse(entry.date)) merged.set(entry)
  }
  return merged
}

/** The timings, the fastest first. */
export function bySpeed({ timings }: Pick<MeasuredProblem, 'timings'>): readonly Timing[] {
  return [...timings].sort((a, b) => a.milliseconds - b.milliseconds)
}

function shapeKey({ family, shape }: ProblemKey): string {
  return `${family} ${shape}`
}
