/** Measures problems one after the other; the tuner and the store learn each as soon as it is measured. */
import { measureProblem, type MeasureOptions, type RefusedMethod } from './measure.js'
import { bySpeed, type Timing } from './table.js'
import { type Method, type ProblemKey, problemName, sameMethod, type TuningProblem } from './tunable.js'
import type { Tuner } from './tuner.js'

export interface MeasureProblemsOptions extends MeasureOptions {
  /** Whether problems that were measured earlier are measured again; not by default. */
  readonly again?: boolean
  /** Aborting it ends the measurements after the problem at hand. What was measured stays. */
  readonly signal?: AbortSignal | undefined
  /** Called before each problem, and after the last one. */
  readonly onProgress?: ((progress: MeasuringProgress) => void) | undefined
}

export interface MeasuringProgress {
  readonly done: number
  readonly total: number
  /** What is measured next. */
  readonly problem: ProblemKey | undefined
}

/** A problem and what is known of it now. */
export interface TunedProblem extends ProblemKey {
  /** Two for each multiply-add. */
  readonly operations: number
  readonly method: Method
  /** Undefined where it was not measured. */
  readonly milliseconds: number | undefined
  /** The method that is taken where nothing was measured on this adapter. */
  readonly usual: Method
  readonly usualMilliseconds: number | undefined
  /** The method that is estimated to be the fastest. */
  readonly estimated: Method
  /** Of all methods that were tried; none where it was not measured. */
  readonly timings: readonly Timing[]
  /** Whether it was measured just now. */
  readonly fresh: boolean
  readonly refused: readonly RefusedMethod[]
}

export interface TuningReport {
  readonly problems: readonly TunedProblem[]
  /** Whether `signal` ended it before all were measured. */
  readonly interrupted: boolean
  /** Where the times are kept; undefined where they are not. */
  readonly place: string | undefined
}

/** Measures what was not measured yet, each problem once. */
export async function measureProblems(
  tuner: Tuner,
  given: readonly TuningProblem[],
  { again = false, signal, onProgress, ...options }: MeasureProblemsOptions = {},
): Promise<TuningReport> {
  const problems = [...new Map(given.map((problem) => [problemName(problem), problem])).values()]
  const wanted = problems.filter((problem) => again || !tuner.measured.get(problem))
  const refused = new Map<TuningProblem, readonly RefusedMethod[]>()
  const total = wanted.length
  for (const problem of wanted) {
    if (signal?.aborted) break
    onProgress?.({ done: refused.size, total, problem })
    const measurement = await measureProblem(tuner, problem, options)
    refused.set(problem, measurement.refused)
    if (!measurement.measured) continue
    tuner.learn(measurement.measured)
    await tuner.kept?.add([measurement.measured])
  }
  if (refused.size > 0) tuner.device.trim() // the operands, which nobody else may need
  onProgress?.({ done: refused.size, total, problem: undefined })
  return {
    problems: problems.map((problem) => describe(tuner, problem, refused.get(problem))),
    interrupted: refused.size < total,
    place: tuner.kept?.place,
  }
}

function describe(tuner: Tuner, problem: TuningProblem, refused: readonly RefusedMethod[] | undefined): TunedProblem {
  const { family, shape, batch, operations } = problem
  const { method } = tuner.choice(problem)
  const usual = tuner.choiceWithoutMeasuring(problem).method
  const measured = tuner.measured.get(problem)
  const timings = measured ? bySpeed(measured) : []
  const timeOf = (wanted: Method) => timings.find((timing) => sameMethod(timing.method, wanted))?.milliseconds
  return {
    family,
    shape,
    batch,
    operations,
    method,
    milliseconds: timeOf(method),
    usual,
    usualMilliseconds: timeOf(usual),
    estimated: tuner.candidates(problem)[0]!.method,
    timings,
    fresh: refused !== undefined && measured !== undefined,
    refused: refused ?? [],
  }
}
