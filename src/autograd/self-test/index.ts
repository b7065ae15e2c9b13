/**
 * The self-test behind `daybreak doctor`: every operation, the optimizers' kernels and what else a training step runs,
 * against naive references in double precision, on whatever adapter the engine runs on. It tells a driver that computes wrongly from a
 * network that learns badly, in well under a minute.
 *
 * What lives in src/autograd/self-test: one file of checks and references per group of operations, and what runs them.
 * What does not: printing (src/cli/doctor.ts), and the tests of Daybreak itself, which are far more thorough.
 */
import type { Engine } from '../engine.js'
import { batchNorm2dChecks } from './batch-norm-2d.js'
import { bookkeepingChecks } from './bookkeeping.js'
import type { KernelCheck } from './check.js'
import { conv2dChecks } from './conv2d.js'
import { elementwiseChecks } from './elementwise.js'
import { halfChecks } from './half.js'
import { lossChecks } from './losses.js'
import { matrixChecks } from './matrices.js'
import { poolingChecks } from './pooling.js'
import { rearrangementChecks } from './rearrangement.js'
import { reductionChecks } from './reductions.js'
import { type CheckResult, runCheck } from './run.js'
import { sourceChecks } from './sources.js'
import { updateChecks } from './updates.js'

export type { CheckInput, KernelCheck } from './check.js'
export type { CheckResult } from './run.js'

export const selfTestChecks: readonly KernelCheck[] = [
  ...conv2dChecks,
  ...matrixChecks,
  ...batchNorm2dChecks,
  ...poolingChecks,
  ...elementwiseChecks,
  ...reductionChecks,
  ...lossChecks,
  ...rearrangementChecks,
  ...updateChecks,
  ...bookkeepingChecks,
  ...sourceChecks,
  ...halfChecks,
]

/** What became of all checks of one kernel. */
export interface KernelResult {
  readonly kernel: string
  readonly ok: boolean
  readonly checks: number
  /** The largest relative error of an output and of a gradient. */
  readonly outputError: number
  readonly gradientError: number
  readonly tolerance: number
  /** One line per failed check. */
  readonly problems: readonly string[]
}

/** The checks that the engine's adapter has the features for. */
export function checksFor({ device }: Engine, checks: readonly KernelCheck[]): readonly KernelCheck[] {
  return checks.filter(({ needs }) => needs === undefined || device.features.has(needs))
}

/** Runs the checks that the adapter has the features for, one after the other. Throws `DeviceLostError`; everything else that goes wrong is a result. */
export async function* selfTest(
  engine: Engine,
  checks: readonly KernelCheck[] = selfTestChecks,
): AsyncGenerator<CheckResult> {
  for (const check of checksFor(engine, checks)) yield await runCheck(engine, check)
}

/** The results of checks, put together by kernel. */
export function byKernel(results: readonly CheckResult[]): KernelResult[] {
  return [...new Set(results.map(({ kernel }) => kernel))].map((kernel) => {
    const ofKernel = results.filter((result) => result.kernel === kernel)
    const failed = ofKernel.filter(({ ok }) => !ok)
    return {
      kernel,
      ok: failed.length === 0,
      checks: ofKernel.length,
      outputError: Math.max(...ofKernel.map(({ outputError }) => outputError)),
      gradientError: Math.max(...ofKernel.map(({ gradientError }) => gradientError)),
      tolerance: Math.max(...ofKernel.map(({ tolerance }) => tolerance)),
      problems: failed.map(({ variant, problem }) => `${variant}: ${problem ?? 'failed'}`),
    }
  })
}
