/** Results as a table for people and as JSON lines for programs. */
import Table from 'cli-table3'
import type { Engine } from '../../src/autograd/engine.js'
import type { BenchmarkCase, PreparedCase } from './case.js'
import type { Timing } from './measure.js'

/** A line of `--json`; times are milliseconds of one execution. */
export interface BenchmarkResult {
  readonly case: string
  readonly family: string
  readonly adapter: string
  readonly driver: string
  readonly shape: string
  readonly dtype: 'f32'
  /** The median. */
  readonly ms: number
  readonly fastestMs: number
  readonly slowestMs: number
  readonly samples: number
  /** 10^9 operations per second, a multiply-add counted as two. */
  readonly gflops?: number
  /** 10^9 bytes per second, of those that have to be moved at least. */
  readonly gigabytesPerSecond?: number
}

export function resultOf(
  engine: Engine,
  family: string,
  { name, shape }: BenchmarkCase,
  { multiplyAdds, bytes }: PreparedCase,
  timing: Timing,
): BenchmarkResult {
  const { adapter } = engine.device
  return {
    case: name,
    family,
    adapter: adapter.name,
    driver: adapter.driver,
    shape,
    dtype: 'f32',
    ms: rounded(timing.median),
    fastestMs: rounded(timing.fastest),
    slowestMs: rounded(timing.slowest),
    samples: timing.samples,
    ...(multiplyAdds !== undefined && { gflops: rounded((2 * multiplyAdds) / timing.median / 1e6) }),
    ...(bytes !== undefined && { gigabytesPerSecond: rounded(bytes / timing.median / 1e6) }),
  }
}

/** The results as a table, with the adapter above it. */
export function tableOf(results: readonly BenchmarkResult[]): string {
  const table = new Table({
    head: ['case', 'shape', 'median ms', 'fastest to slowest', 'GFLOP/s', 'GB/s'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const result of results) {
    table.push([
      result.case,
      result.shape,
      String(result.ms),
      `${result.fastestMs} to ${result.slowestMs}`,
      String(result.gflops ?? ''),
      String(result.gigabytesPerSecond ?? ''),
    ])
  }
  const [first] = results
  return first ? `${first.adapter}, ${first.driver}, ${first.dtype}\n${table.toString()}` : 'nothing was measured'
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
