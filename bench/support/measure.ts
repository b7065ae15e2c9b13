/**
 * Timing, on the `benchmark` package in its deferred mode. A sample is a number of executions followed by one wait for the
 * GPU, so that the wait weighs little. Pipelines are compiled, and some drivers finish compiling at the first dispatch, so
 * the case runs before it is timed.
 */
import Benchmark from 'benchmark'
import type { Engine } from '../../src/autograd/engine.js'
import type { PreparedCase } from './case.js'

export interface Effort {
  /** How long a sample should take at least. */
  readonly sampleMilliseconds: number
  readonly minimumSamples: number
  /** No further sample is begun after so many seconds, once there are enough. */
  readonly maximumSeconds: number
}

export const thorough: Effort = { sampleMilliseconds: 200, minimumSamples: 7, maximumSeconds: 5 }
export const quick: Effort = { sampleMilliseconds: 50, minimumSamples: 3, maximumSeconds: 0.5 }

/** Milliseconds of one execution. */
export interface Timing {
  readonly median: number
  readonly fastest: number
  readonly slowest: number
  readonly samples: number
  /** Executions in each sample. */
  readonly executions: number
}

const mostExecutions = 1000

/** Does something so many times and waits for the GPU. */
export type Sample = (executions: number) => Promise<void>

/** Times a prepared case. Throws what its execution throws. */
export async function measure(engine: Engine, { run }: PreparedCase, effort: Effort): Promise<Timing> {
  const sample: Sample = async (executions) => {
    for (let i = 0; i < executions; i++) {
      engine.scope(() => {
        run()
      })
    }
    await engine.idle()
  }
  await sample(1)
  return measureSamples(sample, effort)
}

/** Executions that take longer than all samples should get no more than so many. */
const mostSlowSamples = 3

/** Times what has been warmed up. */
export async function measureSamples(sample: Sample, effort: Effort): Promise<Timing> {
  const { executions, milliseconds } = await executionsPerSample(sample, effort)
  const isSlow = executions === 1 && milliseconds >= 1000 * effort.maximumSeconds
  const known = isSlow ? [milliseconds] : []
  const minimumSamples =
    (isSlow ? Math.min(mostSlowSamples, effort.minimumSamples) : effort.minimumSamples) - known.length
  const seconds = await samplesOf(() => sample(executions), { ...effort, minimumSamples })
  return timingOf([...known, ...seconds.map((value) => value * 1000)], executions)
}

/** @param samples milliseconds of each sample */
export function timingOf(samples: readonly number[], executions = 1): Timing {
  const sorted = samples.map((value) => value / executions).sort((a, b) => a - b)
  return {
    median: medianOf(sorted),
    fastest: sorted[0]!,
    slowest: sorted.at(-1)!,
    samples: sorted.length,
    executions,
  }
}

/** Finds how many executions fill a sample, and how long that sample took. */
async function executionsPerSample(sample: Sample, effort: Effort) {
  for (let executions = 1; ;) {
    const start = performance.now()
    await sample(executions)
    const milliseconds = performance.now() - start
    if (milliseconds >= effort.sampleMilliseconds || executions >= mostExecutions) return { executions, milliseconds }
    const wanted = Math.ceil((executions * effort.sampleMilliseconds) / milliseconds)
    executions = Math.min(mostExecutions, Math.max(executions + 1, wanted), executions * 8)
  }
}

/** The seconds of each sample. */
function samplesOf(run: () => Promise<void>, { minimumSamples, maximumSeconds }: Effort): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const benchmark = new Benchmark({
      defer: true,
      minSamples: minimumSamples,
      maxTime: maximumSeconds,
      minTime: 0.001, // a call is a whole sample: the package need not repeat it
      fn: (deferred: { resolve(): void }) => {
        run().then(() => deferred.resolve(), reject)
      },
      onComplete: () => resolve((benchmark.stats.sample as number[]).slice()),
      onError: () => reject(benchmark.error),
    })
    benchmark.run({ async: true })
  })
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
