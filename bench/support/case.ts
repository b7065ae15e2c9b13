/** What a benchmark is. One file in bench/ holds the cases of one kernel family and exports them as its suite. */
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'

/** One thing to time. Cases of matrix products, convolutions and networks keep their names from release to release. */
export interface BenchmarkCase {
  /** Unique among all benchmarks, such as `mm512`. */
  readonly name: string
  /** What it works on, for people: `8x56x56x64, 3x3`. */
  readonly shape: string
  /** Makes the inputs, which is not timed. */
  readonly prepare: (engine: Engine) => PreparedCase | Promise<PreparedCase>
}

export interface PreparedCase {
  /**
   * Records one execution, in a scope of its own, which returns the memory of what it made. What it gives is its result,
   * the loss of a training step, for those who compare it.
   */
  readonly run: () => Tensor | void
  /** Multiplications with an addition in one execution; counted as two operations in GFLOP/s. */
  readonly multiplyAdds?: number
  /** The bytes that one execution has to read and write at least: every operand once. */
  readonly bytes?: number
}

export interface BenchmarkSuite {
  /** The kernel family, which is also the name of the file: `max-pool-2d`. */
  readonly family: string
  readonly cases: readonly BenchmarkCase[]
}

/** The cases of one kernel family; `export default` it from bench/<family>.ts. */
export function suite(family: string, ...cases: readonly (BenchmarkCase | readonly BenchmarkCase[])[]): BenchmarkSuite {
  return { family, cases: cases.flat() }
}
