/** What a comparison finds out, as it is kept in files. */
import type { ComparedCase } from '../support/compared.js'
import { multiplyAddsOfCase } from '../support/trace.js'
import type { PeerAnswer } from './protocol.js'

/** A case measured with one peer. Times are milliseconds of one execution, memory 10^6 bytes. */
export interface PeerResult extends PeerAnswer {
  readonly case: string
  readonly peer: string
  readonly runsOn: 'gpu' | 'cpu'
  /** 10^9 operations per second, a multiply-add counted as two. */
  readonly gflops?: number
  /** The largest difference from the output that is believed, relative to the largest number in that. */
  readonly relativeError?: number
  /** Whose output that is. */
  readonly comparedWith?: string
  readonly agrees?: boolean
}

export interface Comparison {
  readonly date: string
  readonly platform: string
  /** Whether only first executions were timed, without compiled shaders from earlier ones. */
  readonly cold: boolean
  readonly quick: boolean
  readonly results: readonly PeerResult[]
}

/** Outputs of f32 sums in another order; and losses of steps that such outputs have driven apart. */
const tolerances = { output: 1e-3, losses: 2e-2 }

/** The largest difference of two arrays, relative to the largest expected number; infinite where they cannot be compared. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity
  let difference = 0
  let magnitude = 0
  for (let i = 0; i < expected.length; i++) {
    const delta = Math.abs(actual[i]! - expected[i]!)
    if (!Number.isFinite(delta)) return Infinity
    difference = Math.max(difference, delta)
    magnitude = Math.max(magnitude, Math.abs(expected[i]!))
  }
  return difference === 0 ? 0 : difference / magnitude
}

export interface Measured {
  readonly peer: string
  readonly runsOn: 'gpu' | 'cpu'
  readonly answer: PeerAnswer
  readonly output?: Float32Array
}

/** The results of all peers for one case, compared with the first of `believed` that has an output. */
export function resultsOf(
  compared: ComparedCase,
  measured: readonly Measured[],
  believed: readonly string[],
): PeerResult[] {
  const known = believed.map((name) => measured.find(({ peer, output }) => peer === name && output)).find(Boolean)
  const tolerance = compared.kind === 'network' && compared.training ? tolerances.losses : tolerances.output
  const multiplyAdds = multiplyAddsOfCase(compared)
  return measured.map(({ peer, runsOn, answer, output }) => {
    const error = output && known?.output && peer !== known.peer ? relativeError(output, known.output) : undefined
    const rated = answer.ms !== undefined && multiplyAdds !== undefined
    return {
      case: compared.name,
      peer,
      runsOn,
      ...withShortNumbers(answer),
      ...(rated && { gflops: rounded((2 * multiplyAdds) / answer.ms / 1e6) }),
      ...(error !== undefined && {
        // JSON knows no infinity
        relativeError: Number.isFinite(error) ? rounded(error, 2) : Number.MAX_VALUE,
        comparedWith: known!.peer,
        agrees: error <= tolerance,
      }),
    }
  })
}

/** The result of a peer for a case, if there is one. */
export function resultFor(results: readonly PeerResult[], name: string, peer: string): PeerResult | undefined {
  return results.find((result) => result.case === name && result.peer === peer)
}

/** Reads the JSON of a comparison. Throws an `Error` that says what is wrong with it. */
export function parseComparison(text: string): Comparison {
  const parsed = JSON.parse(text) as Partial<Comparison> | null
  if (typeof parsed !== 'object' || !Array.isArray(parsed?.results)) {
    throw new Error('not a comparison: a JSON object with "results" was expected; npm run bench -- --peers writes them')
  }
  for (const [i, result] of (parsed.results as Partial<PeerResult>[]).entries()) {
    for (const key of ['case', 'peer'] as const) {
      if (typeof result[key] !== 'string') throw new Error(`result ${i} of the comparison has no "${key}"`)
    }
    for (const key of ['ms', 'firstMs', 'peakMB', 'gflops', 'relativeError'] as const) {
      const value: unknown = result[key]
      if (value !== undefined && typeof value !== 'number') {
        throw new Error(`"${key}" of result ${i} of the comparison is not a number`)
      }
    }
  }
  const { date = '', platform = '', cold = false, quick = false, results } = parsed
  return { date, platform, cold, quick, results }
}

function withShortNumbers(answer: PeerAnswer): PeerAnswer {
  const entries = Object.entries(answer) as [string, string | number][]
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === 'number' ? rounded(value) : value]))
}

function rounded(value: number, digits = 4): number {
  return Number(value.toPrecision(digits))
}
