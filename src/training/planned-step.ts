/**
 * A step that is recorded once and replayed: of training, of evaluation, or of a loop that somebody writes by hand. The first call
 * runs the step's function, which records its commands; later ones upload their inputs and submit the same commands again
 * (src/device/plan). The function is called again when something has changed that its commands may depend on; see docs/plan.md.
 */
import { tensorsIn } from '../autograd/scope.js'
import type { Shape } from '../autograd/shape.js'
import type { DType, Tensor, TensorData } from '../autograd/tensor.js'
import type { DeviceBuffer } from '../device/buffer.js'
import type { Plan, PlanReport } from '../device/plan/plan.js'
import type { Module } from '../nn/module.js'
import type { Optimizer } from '../optim/optimizer.js'

/** Values that differ from step to step, such as a batch. */
export interface StepInput {
  /** In row-major order of `shape`. */
  readonly values: TensorData
  readonly shape: Shape
  readonly dtype: DType
}

export interface PlannedStepOptions<T> {
  readonly model: Module
  /** What the step ends with, if it trains. */
  readonly optimizer?: Optimizer
  /**
   * The step, a synchronous function of the inputs. It runs inside of a scope. What it computes on the CPU is computed when it is
   * recorded and never again; `device.everyStep` is for what has to happen in replays, too. One that trains should end with
   * `optimizer.zeroGrad()`: then gradients need no memory of their own.
   */
  readonly step: (...inputs: Tensor[]) => T
  /** What else the commands depend on: the step is recorded anew when a value or an object is another one. */
  readonly dependencies?: () => readonly unknown[]
  /** false runs the function each time; true by default. */
  readonly plan?: boolean
}

interface Recorded<T> {
  readonly key: readonly unknown[]
  readonly plan: Plan
  readonly inputs: readonly Tensor[]
  readonly result: T
}

/** Plans of one model, for different inputs; the one that was not used for the longest time goes first. */
const mostPlans = 8
/** After so many recordings in a row that were not replayed, recording is given up. */
const mostInVain = 8

/** Stands for a gradient that the step does not read. */
const anyGradient = Symbol('any gradient')

export class PlannedStep<T = void> {
  readonly #recorded: Recorded<T>[] = []
  #structure: readonly unknown[] = []
  #inVain = 0
  #report: PlanReport | undefined

  constructor(private readonly options: PlannedStepOptions<T>) {
    abandoned.register(this, this.#recorded, this)
  }

  /** What the plan takes that was recorded last; undefined where every step so far ran by itself. */
  get report(): PlanReport | undefined {
    return this.#report
  }

  /**
   * Runs the step and returns what its function returned. Tensors in that are written to again by the next call.
   *
   * @throws OutOfMemoryError where the step does not fit, and whatever the function throws
   */
  run(...inputs: readonly StepInput[]): T {
    const modules = [...this.options.model.namedModules().values()]
    if (!this.#canBePlanned(modules)) return this.#runByItself(inputs)
    this.#followStructure(modules)
    const key = keyOf(inputs, modules)
    const index = this.#recorded.findIndex((recorded) => sameKey(recorded.key, key))
    if (index >= 0) {
      const recorded = this.#recorded.splice(index, 1)[0]!
      this.#recorded.push(recorded)
      for (const [i, { values }] of inputs.entries()) recorded.inputs[i]!.set(values)
      if (recorded.plan.replay()) {
        this.#inVain = 0
        return recorded.result
      }
      releaseOne(this.#recorded.pop()!)
    }
    return this.#record(key, inputs)
  }

  /** Returns the memory of all plans. A later call records the step anew. */
  release(): void {
    releaseAll(this.#recorded)
    this.#structure = []
    this.#inVain = 0
  }

  /** A hook may do anything, so the step has to be run for it. */
  #canBePlanned(modules: readonly Module[]): boolean {
    const { plan = true } = this.options
    return plan && this.#inVain < mostInVain && !modules.some(({ hooked }) => hooked)
  }

  #runByItself(inputs: readonly StepInput[]): T {
    releaseAll(this.#recorded)
    const { engine } = this.options.model
    return engine.scope(() =>
      this.options.step(...inputs.map(({ values, shape, dtype }) => engine.tensor(values, shape, { dtype }))),
    )
  }

  /** Forgets what was recorded of a model or an optimizer that has changed. */
  #followStructure(modules: readonly Module[]): void {
    if (sameKey(this.#structure, this.#structureOf(modules))) return
    // first, so that a parameter which is trained from now on can be moved to the others
    releaseAll(this.#recorded)
    this.options.optimizer?.prepare()
    this.#structure = this.#structureOf(modules)
  }

  #structureOf(modules: readonly Module[]): unknown[] {
    const { model, optimizer, dependencies } = this.options
    const key: unknown[] = [model.engine.gradEnabled, optimizer?.stepKey, ...(dependencies?.() ?? [])]
    for (const module of modules) module.addRecordingKey(key)
    return key
  }

  #record(key: readonly unknown[], given: readonly StepInput[]): T {
    const { model, step } = this.options
    const { engine } = model
    const inputs = given.map(({ values, shape, dtype }) => {
      const tensor = engine.tensor(values, shape, { dtype })
      engine.scopes.keep(tensor)
      return tensor
    })
    try {
      const { plan, result } = engine.device.plan(() => engine.scope(() => step(...inputs)))
      for (const tensor of tensorsIn(result)) engine.scopes.keep(tensor) // no scope around a replay may release it
      const known = key.map((part) => (isBuffer(part) && !plan.uses(part) ? anyGradient : part))
      this.#recorded.push({ key: known, plan, inputs, result })
      if (this.#recorded.length > mostPlans) releaseOne(this.#recorded.shift()!)
      this.#report = plan.report
      this.#inVain++
      return result
    } catch (error) {
      for (const input of inputs) input.handle.release('the step that failed')
      throw error
    }
  }
}

/** Releases the plans of steps that nobody can run any more. */
const abandoned = new FinalizationRegistry<Recorded<unknown>[]>(releaseAll)

function releaseAll(recorded: Recorded<unknown>[]): void {
  for (const one of recorded.splice(0)) releaseOne(one)
}

function releaseOne({ plan, inputs }: Recorded<unknown>): void {
  plan.release()
  for (const input of inputs) input.handle.release('the plan that it was the input of')
}

/** What may differ from one plan to another of the same structure: the shapes of the inputs, and which gradients there are. */
function keyOf(inputs: readonly StepInput[], modules: readonly Module[]): unknown[] {
  const gradients = modules.flatMap((module) => module.ownParameters().map(({ grad }) => grad?.handle.buffer))
  return [...inputs.flatMap(({ shape, dtype }) => [dtype, shape.length, ...shape]), ...gradients]
}

function isBuffer(part: unknown): part is DeviceBuffer {
  return typeof part === 'object' && part !== null
}

function sameKey(recorded: readonly unknown[], now: readonly unknown[]): boolean {
  if (recorded.length !== now.length) return false
  return recorded.every((part, i) => Object.is(part, now[i]) || (part === anyGradient && now[i] !== undefined))
}
