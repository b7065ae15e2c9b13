/**
 * What all optimizers share: parameter groups, the loop of a step, and state dicts.
 *
 * What lives in src/optim: optimizers, learning-rate schedulers, gradient clipping. What does not: the formulas of a
 * step, which are kernels (src/kernels/optimizer), and the training loop (src/training).
 */
import type { Engine } from '../autograd/engine.js'
import { gatherLeaves } from '../autograd/leaf-block.js'
import { formatShape, sameShape } from '../autograd/shape.js'
import type { Tensor } from '../autograd/tensor.js'
import { AutogradError, OptionError, ShapeError } from '../device/errors.js'
import type { StateDict } from '../nn/state-dict.js'
import { checkNumber, type CommonOptions, withoutUndefined } from './options.js'
import { groupParameters, type OptimizerGroup, type ParameterGroup, type Parameters } from './parameters.js'
import { gradientApart, inOrderOfPlaces, type Pair, runsOf, tensorOfRun } from './runs.js'
import {
  decodeGroups,
  decodeParameter,
  encodeGroups,
  encodeStep,
  namesFor,
  type SavedGroups,
  stateError,
} from './state-dict.js'
import { type ParameterState, ParameterStates } from './states.js'

/** One parameter in one step, or several that lie side by side and are updated as if they were one. */
export interface ParameterUpdate<O> {
  readonly parameter: Tensor
  readonly gradient: Tensor
  /** The state tensors that the options need, by PyTorch's names, in the shape of the parameter; zeros at first. */
  readonly state: ReadonlyMap<string, Tensor>
  /** What may differ in another step, for uniforms: it is asked again whenever a recorded step is replayed. */
  readonly now: () => StepValues<O>
  /** Where a `GradScaler` decides on the GPU whether the step is done; see `StepGuard`. */
  readonly guard: Tensor | undefined
}

export interface StepValues<O> {
  readonly options: O
  /** The number of this step of the parameter, from 1. */
  readonly step: number
  /** How often the state tensors were updated, this step included. */
  readonly updates: number
}

interface Member extends Pair {
  readonly state: ParameterState
}

export abstract class Optimizer<O extends CommonOptions = CommonOptions> {
  /** The parameters with their options, which may be changed between steps: `optimizer.groups[1].lr = 0.01`. */
  readonly groups: readonly OptimizerGroup<O>[]
  readonly engine: Engine
  readonly #optionNames: readonly string[]
  readonly #states = new ParameterStates()
  #steps = 0

  /**
   * @param name the class's name, for errors and state dicts
   * @param defaults a value for every option, for groups that do not have their own
   * @throws OptionError for wrong parameters, an unknown option, or a value out of range
   */
  protected constructor(
    readonly name: string,
    parameters: Parameters | Iterable<ParameterGroup<O>>,
    defaults: O,
    known: readonly string[],
  ) {
    this.#optionNames = known
    const named = groupParameters(name, parameters)
    this.groups = named.map(({ params, options }) => {
      const group = { ...defaults, ...withoutUndefined(options), params }
      this.#check(group)
      return group
    })
    this.engine = named[0]!.params[0]!.tensor.engine
  }

  /** The learning rate of the first group. Setting it sets that of every group. */
  get lr(): number {
    return this.groups[0]!.lr
  }

  set lr(value: number) {
    checkNumber(`${this.name}: lr`, value)
    for (const group of this.groups) group.lr = value
  }

  /**
   * Makes room for the state of all parameters that require gradients, and moves the small ones of them together, so that
   * one dispatch updates many. `step()` does it, too; but only what is moved before `backward()` has its gradients together.
   */
  prepare(): void {
    // the state outlives the step: a replay must not make it anew
    this.engine.device.outsideOfPlan(() => {
      gatherLeaves(this.#parameters().flatMap(({ tensor }) => (tensor.requiresGrad ? [tensor] : [])))
      for (const group of this.groups) {
        const names = this.stateNamesFor(group)
        for (const { tensor } of group.params)
          if (tensor.requiresGrad || tensor.grad) this.#states.prepare(tensor, names)
      }
    })
  }

  /**
   * Updates every parameter that has a gradient, in place. The gradients stay: call `zeroGrad()` before the next
   * `backward()`, or they add up.
   *
   * @param guard what `GradScaler` calls it with
   */
  step({ guard }: { readonly guard?: Tensor } = {}): void {
    this.engine.device.everyStep(() => {
      this.#steps++
    })
    this.engine.noGrad(() => {
      for (const group of this.groups) this.#check(group)
      this.prepare()
      for (const group of this.groups) {
        const members = inOrderOfPlaces(this.#membersToUpdate(group))
        for (const run of runsOf(members, sameCounts)) this.engine.scope(() => this.#update(group, run, guard))
      }
    })
  }

  /**
   * What the dispatches of a step depend on, besides which parameters have a gradient: a recorded step can be replayed for as
   * long as it stays the same. @internal
   */
  get stepKey(): string {
    const groups = this.groups.map((group) => {
      const trained = group.params.filter(({ tensor }) => tensor.requiresGrad)
      const counts = trained.flatMap(({ tensor }) => this.#states.updated(tensor) ?? [])
      const all = counts.map(({ step, updates }) => [step - counts[0]!.step, updates - counts[0]!.updates])
      const differences = all.some(([step, updates]) => step !== 0 || updates !== 0) ? all : [] // as before the first step
      return { ...this.kernelOptions(group), state: this.stateNamesFor(group), counts: differences }
    })
    return JSON.stringify(groups)
  }

  /** Forgets all gradients and returns their memory. */
  zeroGrad(): void {
    for (const { params } of this.groups) for (const { tensor } of params) tensor.grad = undefined
  }

  /** Takes back the count of so many steps, which the GPU has left out. @internal */
  uncount(steps: number): void {
    for (const { tensor } of this.#parameters()) this.#states.uncount(tensor, steps)
  }

  /**
   * Waits for a copy of everything that a later optimizer needs to go on exactly where this one stands, in a form that
   * weights files hold; see state-dict.ts. Wait for it before the next `step()`.
   */
  async stateDict(): Promise<StateDict> {
    const stepsBefore = this.#steps
    const stateDict: StateDict = new Map()
    const groups = this.groups.map((group) => ({
      ...this.#optionsOf(group),
      params: group.params.map(({ name }) => name),
    }))
    encodeGroups(stateDict, { optimizer: this.name, groups })
    for (const { name, tensor: parameter } of this.#parameters()) {
      const state = this.#states.updated(parameter)
      if (!state) continue
      encodeStep(stateDict, name, state.step)
      for (const [key, tensor] of state.updates > 0 ? state.tensors : []) {
        const data = (await tensor.toArray()) as Float32Array
        stateDict.set(`${name}.${key}`, { shape: tensor.shape, dtype: 'float32', data })
      }
    }
    if (this.#steps !== stepsBefore) {
      throw new AutogradError(`${this.name}: step() was called while stateDict() was reading; await it first`)
    }
    return stateDict
  }

  /**
   * Replaces the options and the state by those of `stateDict()`. The groups must have the parameters, by name, that
   * they had then. Nothing is changed when it throws.
   *
   * @throws WeightsError when the state is another optimizer's, or does not fit the parameters; OptionError when an
   *   option is out of range
   */
  loadStateDict(stateDict: StateDict): void {
    const options = this.#checkGroups(decodeGroups(stateDict))
    const parameters = this.#parameters()
    const allowed = namesFor(
      parameters.map(({ name }) => name),
      this.stateNames,
    )
    const unexpected = [...stateDict.keys()].find((name) => !allowed.has(name))
    if (unexpected !== undefined) throw stateError('only what the parameters need', `"${unexpected}"`)
    const states = parameters.map(({ name, tensor }) => ({
      tensor,
      saved: decodeParameter(stateDict, name, tensor, this.stateNames),
    }))

    for (const [i, group] of this.groups.entries()) Object.assign(group, options[i])
    for (const { tensor, saved } of states) this.#states.load(tensor, saved)
  }

  /** PyTorch's names of the state tensors that a parameter has after its first step. */
  protected abstract readonly stateNames: readonly string[]

  /** Those that steps with these options need. */
  protected abstract stateNamesFor(options: O): readonly string[]

  /** The options that choose kernels, instead of being uniforms. */
  protected abstract kernelOptions(options: O): Partial<O>

  /** Throws an `OptionError` when an option is out of range. Must not use fields: the constructor calls it. */
  protected abstract check(options: O): void

  /** Dispatches the kernels that update a parameter and its state. */
  protected abstract update(update: ParameterUpdate<O>): void

  #parameters() {
    return this.groups.flatMap(({ params }) => params)
  }

  /** The parameters of a group that have a gradient. */
  #membersToUpdate(group: OptimizerGroup<O>): Member[] {
    const names = this.stateNamesFor(group)
    return group.params.flatMap(({ name, tensor: parameter }) => {
      const gradient = parameter.grad
      if (!gradient) return []
      if (!sameShape(gradient.shape, parameter.shape)) {
        const expected = `a gradient of shape ${formatShape(parameter.shape)} for "${name}"`
        throw new ShapeError(this.name, expected, formatShape(gradient.shape))
      }
      return [{ parameter, gradient, state: this.#states.prepare(parameter, names) }]
    })
  }

  #update(group: OptimizerGroup<O>, run: readonly Member[], guard: Tensor | undefined): void {
    const names = this.stateNamesFor(group)
    const { state } = run[0]!
    let now: StepValues<O> = { options: group, step: state.step + 1, updates: state.updates + 1 }
    this.engine.device.everyStep(() => {
      this.#check(group)
      for (const { parameter, state } of run) {
        state.step++
        if (names.length > 0) state.updates++
        parameter.buffer.version++
      }
      const apart = run.find((member) => !sameCounts(member, run[0]!))
      if (apart)
        throw new AutogradError(`${this.name}: a recorded step cannot be replayed after steps that left some out`)
      // a copy: what a scheduler changes later in the same step is for the next one
      now = { options: { ...group }, step: state.step, updates: state.updates }
    })
    this.update({ ...this.#tensorsOf(run, names), now: () => now, guard })
  }

  /** A run's tensors as those of one parameter. */
  #tensorsOf(run: readonly Member[], names: readonly string[]) {
    if (run.length === 1) {
      const { parameter, state } = run[0]!
      const tensors = new Map(names.map((name) => [name, state.tensors.get(name)!]))
      return { parameter, gradient: gradientApart(run[0]!), state: tensors }
    }
    return {
      parameter: tensorOfRun(run, (block) => block.values),
      gradient: tensorOfRun(run, (block) => block.gradients!),
      state: new Map(
        names.map((name) => [name, tensorOfRun(run, (block) => this.#states.ofBlock(block, name).buffer)]),
      ),
    }
  }

  #check(group: OptimizerGroup<O>): void {
    for (const option of Object.keys(group)) {
      if (!['params', 'initialLr', ...this.#optionNames].includes(option)) {
        throw new OptionError(this.name, `options among ${this.#optionNames.join(', ')}`, option)
      }
    }
    checkNumber(`${this.name}: lr`, group.lr)
    this.check(group)
  }

  /** The options of a group without its parameters. */
  #optionsOf(group: OptimizerGroup<O>): Partial<OptimizerGroup<O>> {
    const names = ['initialLr', ...this.#optionNames].filter((name) => group[name as keyof O] !== undefined)
    return Object.fromEntries(names.map((name) => [name, group[name as keyof O]])) as Partial<OptimizerGroup<O>>
  }

  /** The options of each group in a state dict, once they are known to fit. */
  #checkGroups({ optimizer, groups }: SavedGroups): Partial<OptimizerGroup<O>>[] {
    if (optimizer !== this.name) throw stateError(`the state of ${this.name}`, `that of ${optimizer}`)
    if (groups.length !== this.groups.length) {
      throw stateError(`${this.groups.length} parameter group(s)`, String(groups.length))
    }
    return groups.map((saved, i) => {
      const group = this.groups[i]!
      const names = group.params.map(({ name }) => name)
      if (names.length !== saved.params.length || names.some((name, j) => name !== saved.params[j])) {
        throw stateError(`in group ${i} the parameters ${listNames(names)}`, listNames(saved.params))
      }
      const options = this.#optionsOf(saved as unknown as OptimizerGroup<O>)
      this.#check({ ...group, ...options })
      return options
    })
  }
}

/** Whether two parameters were updated equally often. */
function sameCounts({ state: one }: Member, { state: other }: Member): boolean {
  return one.step === other.step && one.updates === other.updates
}

/** `"0", "1", "2" and 17 more`. */
function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`)
  const rest = names.length - shown.length
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
