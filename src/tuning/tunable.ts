/**
 * What the tuner needs to know of a kernel family whose methods it may choose among. A family is one file with a `Tunable`
 * (conv2d.ts, matmul.ts), which src/tuning/tunables.ts lists.
 */
import type { DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'

/** A way to compute something: a value for each axis, such as `{ variant: 'winograd-4', product: 'shared-8x8' }`. */
export type Method = Readonly<Record<string, string>>

export interface Candidate<M extends Method = Method> {
  readonly method: M
  /** What it should cost, in a unit that only the family knows: candidates of one problem are compared. */
  readonly cost: number
}

/** An array of a problem: how many elements, and whether they are f16 instead of f32. */
export interface OperandSize {
  readonly size: number
  readonly half: boolean
}

export interface Tunable<Problem, M extends Method, Operand extends string> {
  /** The name of the family. */
  readonly family: string
  /** The operation and all sizes that matter to its speed, but for the number of images or matrices. */
  shape(problem: Problem): string
  /** The number of images or matrices. Equal families, shapes and batches mean equal problems. */
  batch(problem: Problem): number
  /**
   * The methods that the device can run, the cheapest first: at least one. Called once for each problem, and not for each
   * step.
   */
  candidates(device: Device, problem: Problem): readonly Candidate<M>[]
  /** Multiply-adds count twice; those of the operation as it is defined, whatever the method. */
  operations(problem: Problem): number
  /** The operands and results of one run. */
  operands(problem: Problem): Readonly<Record<Operand, OperandSize>>
  /** Records one run. */
  run(device: Device, problem: Problem, buffers: Readonly<Record<Operand, DeviceBuffer>>, method: M): void
  /** Everything that measured times depend on besides the problem: texts of kernels, sizes of tiles. */
  code(device: Device): string
}

/** What a problem is called in tables of measured times. */
export interface ProblemKey {
  readonly family: string
  readonly shape: string
  readonly batch: number
}

/** A problem of any family: what measuring needs of it. */
export interface TuningProblem extends ProblemKey {
  readonly operations: number
  readonly operands: Readonly<Record<string, OperandSize>>
  candidates(device: Device): readonly Candidate[]
  run(device: Device, buffers: Readonly<Record<string, DeviceBuffer>>, method: Method): void
}

export function keyOf<P>(tunable: Pick<Tunable<P, Method, string>, 'family' | 'shape' | 'batch'>, problem: P) {
  return { family: tunable.family, shape: tunable.shape(problem), batch: tunable.batch(problem) }
}

/** A problem together with its family. */
export function problemOf<P, M extends Method, O extends string>(tunable: Tunable<P, M, O>, problem: P): TuningProblem {
  return {
    ...keyOf(tunable, problem),
    operations: tunable.operations(problem),
    operands: tunable.operands(problem),
    candidates: (device) => tunable.candidates(device, problem),
    // the tuner gives back what `operands` and `candidates` gave it
    run: (device, buffers, method) => tunable.run(device, problem, buffers, method as M),
  }
}

/** A problem in words, such as `matmul [64x512] * [512x10], batch 1`. */
export function problemName({ family, shape, batch }: ProblemKey): string {
  return `${family} ${shape}, batch ${batch}`
}

/** A method in words, such as `winograd-4 shared-8x8`. */
export function methodName(method: Method): string {
  return Object.values(method).join(' ')
}

export function sameMethod(a: Method, b: Method): boolean {
  const axes = Object.keys(a)
  return axes.length === Object.keys(b).length && axes.every((axis) => a[axis] === b[axis])
}
