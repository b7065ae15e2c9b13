/**
 * The tuner: which method for which problem. It asks what was measured on this adapter, then the table that comes with
 * Daybreak for adapters of its class, then the families' estimates. A choice stands until the problem is measured, so equal
 * steps compute equal bits.
 *
 * What lives in src/tuning: estimates, measurements and tables of variants. What does not: the variants themselves, which
 * are kernels (src/kernels), and who asks for them (src/autograd).
 */
import type { Device } from '../device/device.js'
import type { KeptTimes } from './kept-times.js'
import { bySpeed, type MeasuredProblem, TuningTable } from './table.js'
import type { ShippedProblem } from './shipped.js'
import {
  type Candidate,
  keyOf,
  type Method,
  problemName,
  problemOf,
  sameMethod,
  type Tunable,
  type TuningProblem,
} from './tunable.js'

/**
 * - `off`: nothing that was measured on this adapter is used,
 * - `cached`: what was measured earlier is used,
 * - `full`: training, evaluation and prediction measure what they need first, unless it was measured earlier.
 */
export const tuneModes = ['off', 'cached', 'full'] as const
export type TuneMode = (typeof tuneModes)[number]

export interface TunerTables {
  /** What was measured on this adapter. */
  readonly measured?: Iterable<MeasuredProblem> | undefined
  /** What comes with Daybreak for adapters like this one. */
  readonly shipped?: Iterable<ShippedProblem>
  /** Where what is measured from now on is kept. */
  readonly kept?: KeptTimes | undefined
}

export interface Choice {
  readonly method: Method
  /** Where it comes from: measurements here, the table for this class of adapters, an estimate. */
  readonly from: 'measured' | 'shipped' | 'estimate'
}

export class Tuner {
  readonly measured: TuningTable<MeasuredProblem>
  readonly kept: KeptTimes | undefined
  readonly #shipped: TuningTable<ShippedProblem>
  readonly #asked = new Map<string, TuningProblem>()
  readonly #chosen = new Map<string, Choice>()
  #accepts: (method: Method, family: string) => boolean = () => true

  constructor(
    readonly device: Device,
    readonly mode: TuneMode = 'off',
    { measured = [], shipped = [], kept }: TunerTables = {},
  ) {
    this.kept = kept
    this.measured = new TuningTable(measured)
    this.#shipped = new TuningTable(shipped)
  }

  /** The method for a problem. */
  method<P, M extends Method, O extends string>(tunable: Tunable<P, M, O>, problem: P): M {
    const name = problemName(keyOf(tunable, problem))
    if (!this.#asked.has(name)) this.#asked.set(name, problemOf(tunable, problem))
    return this.#choiceFor(name).method as M // one of the family's own candidates
  }

  /** The problems that somebody has asked for and that nobody has measured. */
  get wanted(): readonly TuningProblem[] {
    return [...this.#asked.values()].filter((problem) => !this.measured.get(problem))
  }

  /** Runs a synchronous function and gives the problems that it asked for, in order. */
  problemsOf(body: () => void): readonly TuningProblem[] {
    const before = new Map(this.#asked)
    this.#asked.clear()
    try {
      body()
      return [...this.#asked.values()]
    } finally {
      const asked = [...this.#asked]
      this.#asked.clear()
      for (const [name, problem] of [...before, ...asked]) this.#asked.set(name, problem)
    }
  }

  /** What is chosen for a problem that somebody has asked for. */
  choice(problem: TuningProblem): Choice {
    return this.#choose(problem, true)
  }

  /** What would be chosen if nobody had measured anything on this adapter. */
  choiceWithoutMeasuring(problem: TuningProblem): Choice {
    return this.#choose(problem, false)
  }

  /** Takes what was measured over, from the next call on: never in the middle of a run that shall be repeatable. */
  learn(entry: MeasuredProblem): void {
    this.measured.set(entry)
    this.#chosen.clear() // other batches of the shape follow it, too
  }

  /** Leaves the methods of which `accepts` says true, wherever there are any. */
  restrict(accepts: (method: Method, family: string) => boolean): void {
    this.#accepts = accepts
    this.#chosen.clear()
  }

  /** The methods to choose among, the cheapest first. */
  candidates(problem: TuningProblem): readonly Candidate[] {
    const all = problem.candidates(this.device)
    const accepted = all.filter(({ method }) => this.#accepts(method, problem.family))
    return accepted.length > 0 ? accepted : all
  }

  #choiceFor(name: string): Choice {
    let choice = this.#chosen.get(name)
    if (!choice) {
      choice = this.#choose(this.#asked.get(name)!, true)
      this.#chosen.set(name, choice)
    }
    return choice
  }

  #choose(problem: TuningProblem, useMeasured: boolean): Choice {
    const candidates = this.candidates(problem)
    // tables may name methods that this device, or this version, does not have
    const first = (methods: readonly Method[]) =>
      methods
        .map((method) => candidates.find((candidate) => sameMethod(candidate.method, method))?.method)
        .find((method) => method !== undefined)
    const measured = useMeasured ? this.measured.nearest(problem) : undefined
    const fastest = measured && first(bySpeed(measured).map(({ method }) => method))
    if (fastest) return { method: fastest, from: 'measured' }
    const entry = this.#shipped.nearest(problem)
    const shipped = entry && first([entry.method])
    if (shipped) return { method: shipped, from: 'shipped' }
    return { method: candidates[0]!.method, from: 'estimate' }
  }
}
