/** What a scaling run finds out, as it is kept in files. */
import { positionOf, type ScalingPoint } from './points.js'

/** A point and what was measured there. Times are milliseconds of one execution, memory 10^6 bytes. */
export interface ScalingResult extends ScalingPoint {
  /** The median. */
  readonly ms?: number
  readonly fastestMs?: number
  readonly slowestMs?: number
  readonly gflops?: number
  /** Multiplications with an addition in one execution. */
  readonly multiplyAdds?: number
  /** The most memory of tensors, and of the process. */
  readonly tensorsMB?: number
  readonly peakMB?: number
  readonly error?: string
}

/** A part of a long run: the steps before `step`. */
export interface WindowResult {
  readonly step: number
  readonly stepsPerSecond: number
  /** Memory that tensors have reserved, and of the process, at the end of the window. */
  readonly reservedMB: number
  readonly residentMB: number
}

export interface Scaling {
  readonly date: string
  readonly platform: string
  readonly adapter: string
  readonly quick: boolean
  readonly points: readonly ScalingResult[]
  readonly windows: readonly WindowResult[]
}

/**
 * The times of an axis and mode if they grew in proportion to the multiply-adds, from the largest point down: at small
 * points a GPU idles, so that the largest says most about what work costs.
 */
export function linearReference(results: readonly ScalingResult[]): { position: number; ms: number }[] {
  const measured = results.filter(({ ms, multiplyAdds }) => ms !== undefined && multiplyAdds !== undefined)
  const [largest] = measured.toSorted((a, b) => b.multiplyAdds! - a.multiplyAdds!)
  if (!largest) return []
  return measured.map((result) => ({
    position: positionOf(result),
    ms: (largest.ms! * result.multiplyAdds!) / largest.multiplyAdds!,
  }))
}

/** The change of speed over a long run: the last fifth's mean steps per second over that of the second fifth. */
export function speedKept(windows: readonly WindowResult[]): number | undefined {
  const fifth = Math.floor(windows.length / 5)
  if (fifth === 0) return undefined
  const mean = (some: readonly WindowResult[]) =>
    some.reduce((sum, { stepsPerSecond }) => sum + stepsPerSecond, 0) / some.length
  return mean(windows.slice(-fifth)) / mean(windows.slice(fifth, 2 * fifth))
}

/** Reads the JSON of a scaling run. Throws an `Error` that says what is wrong with it. */
export function parseScaling(text: string): Scaling {
  const parsed = JSON.parse(text) as Partial<Scaling> | null
  if (typeof parsed !== 'object' || !Array.isArray(parsed?.points) || !Array.isArray(parsed.windows)) {
    throw new Error('not a scaling run: "points" and "windows" were expected; npm run bench -- --scaling writes them')
  }
  const { date = '', platform = '', adapter = '', quick = false } = parsed
  for (const [i, point] of (parsed.points as Partial<ScalingResult>[]).entries()) {
    if (typeof point.axis !== 'string' || typeof point.mode !== 'string' || typeof point.architecture !== 'string') {
      throw new Error(`point ${i} of the scaling run lacks "axis", "mode" or "architecture"`)
    }
  }
  return { date, platform, adapter, quick, points: parsed.points, windows: parsed.windows }
}
