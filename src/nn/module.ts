/**
 * Modules: computations with parameters, arranged in a tree and named as in torchvision. A module's children are its
 * properties that are modules, in the order of their declaration; its parameters and buffers are registered by name.
 */
import type { Engine } from '../autograd/engine.js'
import { checkpoint } from '../autograd/ops/checkpoint.js'
import type { Tensor } from '../autograd/tensor.js'
import { freezeBefore, freezeBelow, moduleAt, modulesFrom } from './freeze.js'
import type { Layout } from './layout.js'
import type { LoadReport } from './match.js'
import { type LoadOptions, loadStateDict, loadTensors, readStateDict } from './state.js'
import type { StateDict, StoredArray } from './state-dict.js'

/** A number on the CPU that state dicts hold as a 64-bit integer scalar, such as `num_batches_tracked`. */
export interface Counter {
  value: number
}

/** What a state dict has of a module itself, without its children, in PyTorch's order. */
export type StateEntry =
  | { readonly kind: 'parameter' | 'buffer'; readonly tensor: Tensor; readonly layout: Layout }
  | { readonly kind: 'counter'; readonly counter: Counter }

/** Called after each run of a module. */
export type ForwardHook = (module: Module, input: Tensor, output: Tensor) => void

export abstract class Module {
  /** Whether `train()` (the default) or `eval()` was called last. */
  training = true
  /** Whether the backward pass computes this module again instead of keeping what it saved: see `ops.checkpoint`. */
  checkpointed = false
  /** What profiles call this module, while one is taken. @internal */
  label: string | undefined
  readonly #state = new Map<string, StateEntry>()
  readonly #hooks = new Set<ForwardHook>()

  constructor(readonly engine: Engine) {}

  /** The computation. Run a module with `call()`, which also returns the memory of what `forward` leaves behind. */
  abstract forward(input: Tensor): Tensor

  /**
   * Runs the module. It is a scope: tensors that `forward` makes and does not return give their memory back at once,
   * unless the tape has saved them for the backward pass.
   */
  call(input: Tensor): Tensor {
    const run = (from: Tensor) => this.engine.scope(() => this.forward(from))
    const output = this.labelled(() => (this.checkpointed ? checkpoint(run, input) : run(input)))
    for (const hook of this.#hooks) hook(this, input, output)
    return output
  }

  /**
   * What a weights file has to tell about this module besides its tensors, for whoever loads it: nothing, unless it
   * computes something else than torchvision's network of these tensors does.
   */
  get metadata(): Readonly<Record<string, string>> {
    return {}
  }

  /** Calls `hook` after each run of this module, until the returned function is called. */
  onForward(hook: ForwardHook): () => void {
    this.#hooks.add(hook)
    return () => this.#hooks.delete(hook)
  }

  /** Runs a function whose dispatches are this module's, as profiles tell. @internal */
  labelled<T>(body: () => T): T {
    if (this.label === undefined) return body()
    const { device } = this.engine
    const outside = device.label
    device.label = { ...outside, module: this.label }
    try {
      return body()
    } finally {
      device.label = outside
    }
  }

  /** Whether a hook wants to see this module run. @internal */
  get hooked(): boolean {
    return this.#hooks.size > 0
  }

  /**
   * Adds what the commands of a run may depend on, besides the input and the modules below: a step that was recorded with other
   * values, or other objects, cannot be replayed. By default all properties, the elements of short arrays, and the parameters and
   * buffers. A class with private fields that matter adds them. @internal
   */
  addRecordingKey(key: unknown[]): void {
    key.push(this)
    for (const value of Object.values(this) as unknown[]) {
      key.push(value)
      if (Array.isArray(value) && value.length <= 64) key.push(value.length, ...(value as unknown[]))
    }
    for (const entry of this.#state.values()) {
      if (entry.kind !== 'counter') key.push(entry.tensor, entry.tensor.handle.buffer, entry.tensor.requiresGrad)
    }
  }

  /** The modules directly below this one, by name. */
  get children(): ReadonlyMap<string, Module> {
    return new Map(Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module))
  }

  /** This module (under the name '') and all below, by their names from here; each once. */
  namedModules(): Map<string, Module> {
    const found = new Map<string, Module>()
    const seen = new Set<Module>()
    const visit = (module: Module, name: string): void => {
      if (seen.has(module)) return
      seen.add(module)
      found.set(name, module)
      for (const [child, below] of module.children) visit(below, joinNames(name, child))
    }
    visit(this, '')
    return found
  }

  /** The parameters of this module and all below, by their state-dict names, such as `layer1.0.conv1.weight`. */
  namedParameters(): Map<string, Tensor> {
    return this.#tensors('parameter')
  }

  /** The tensors that are state but not trained, such as `bn1.running_mean`, by their state-dict names. */
  namedBuffers(): Map<string, Tensor> {
    return this.#tensors('buffer')
  }

  /** The parameters of this module itself, without those of its children. */
  ownParameters(): Tensor[] {
    return [...this.#state.values()].flatMap((entry) => (entry.kind === 'parameter' ? [entry.tensor] : []))
  }

  /** The parameters of this module and all below. */
  parameters(): Tensor[] {
    return [...this.namedParameters().values()]
  }

  /** The parameters that are not frozen: what an optimizer should update. */
  trainableParameters(): Tensor[] {
    return this.parameters().filter((parameter) => parameter.requiresGrad)
  }

  /** Switches this module and all below to training: batch norms use the batch's statistics, dropout drops. */
  train(mode = true): this {
    for (const module of this.namedModules().values()) module.training = mode
    return this
  }

  /** Switches this module and all below to evaluation. */
  eval(): this {
    return this.train(false)
  }

  /**
   * Stops training a part of the module: its parameters get no gradients any more, and its batch norms use their
   * running statistics without updating them, even after `train()`. Nothing is recorded for the backward pass where
   * everything is frozen.
   *
   * - `freeze()` freezes everything,
   * - `freeze('layer1')` one module below,
   * - `freeze({ until: 'layer4' })` everything that comes before a module; its name may be nested (`features.24`).
   *
   * @throws OptionError for an unknown name; it lists the names that there are
   */
  freeze(what: string | { until?: string } = {}): this {
    if (typeof what === 'string') freezeBelow(moduleAt(this, what, 'freeze'), true)
    else if (what.until === undefined) freezeBelow(this, true)
    else freezeBefore(this, what.until)
    return this
  }

  /**
   * The opposite of `freeze`: `unfreeze()` everything, `unfreeze('layer4')` one module below,
   * `unfreeze({ from: 'layer4' })` a module and everything that comes after it.
   */
  unfreeze(what: string | { from?: string } = {}): this {
    if (typeof what === 'string') freezeBelow(moduleAt(this, what, 'unfreeze'), false)
    else if (what.from === undefined) freezeBelow(this, false)
    else for (const module of modulesFrom(this, what.from)) freezeBelow(module, false)
    return this
  }

  /** Freezes or unfreezes what this module itself holds, not what is below. @internal */
  setFrozen(frozen: boolean): void {
    for (const parameter of this.ownParameters()) {
      parameter.requiresGrad = !frozen
      if (frozen) parameter.grad = undefined
    }
  }

  /** Waits for a copy of all parameters and buffers, with torchvision's names and layouts. */
  stateDict(): Promise<StateDict> {
    return readStateDict(this)
  }

  /**
   * Replaces parameters and buffers by those of a state dict. Nothing is changed when it throws.
   *
   * @throws WeightsError when tensors are missing or unexpected (unless `strict` is false), or of another shape or type
   */
  loadStateDict(stateDict: StateDict, options?: LoadOptions): LoadReport {
    return loadStateDict(this, stateDict, options)
  }

  /**
   * The same for the tensors of an open file (`weights.openWeights`), which are read one after another: no more than two
   * of them are in memory. Nothing is changed when they do not fit; when reading fails half-way, some are replaced.
   *
   * @throws WeightsError as `loadStateDict` does, and when a tensor cannot be read
   */
  loadTensors(tensors: ReadonlyMap<string, StoredArray>, options?: LoadOptions): Promise<LoadReport> {
    return loadTensors(this, tensors, options)
  }

  /** All that a state dict has of this module and those below, by name. @internal */
  namedState(): Map<string, StateEntry> {
    const found = new Map<string, StateEntry>()
    for (const [name, module] of this.namedModules()) {
      for (const [key, entry] of module.#state) found.set(joinNames(name, key), entry)
    }
    return found
  }

  /**
   * Returns the memory of all parameters and buffers at once; the module cannot be used afterwards. Only for modules
   * that are replaced while the program goes on: otherwise their memory is returned with the engine's.
   */
  dispose(): void {
    for (const entry of this.namedState().values()) {
      if (entry.kind === 'counter') continue
      entry.tensor.grad = undefined
      entry.tensor.handle.release('dispose() of its module')
    }
  }

  /** What `summary()` and errors call this kind of module. */
  get typeName(): string {
    return this.constructor.name
  }

  /** Declares a tensor as a parameter: it is trained, and it lives as long as the module. */
  protected registerParameter(name: string, tensor: Tensor, layout: Layout = 'plain'): Tensor {
    this.engine.scopes.keep(tensor)
    tensor.requiresGrad = true
    this.#state.set(name, { kind: 'parameter', tensor, layout })
    return tensor
  }

  /** Declares a tensor as a buffer: saved and loaded like a parameter, but not trained. */
  protected registerBuffer(name: string, tensor: Tensor): Tensor {
    this.engine.scopes.keep(tensor)
    this.#state.set(name, { kind: 'buffer', tensor, layout: 'plain' })
    return tensor
  }

  protected registerCounter(name: string): Counter {
    const counter = { value: 0 }
    this.#state.set(name, { kind: 'counter', counter })
    return counter
  }

  #tensors(kind: 'parameter' | 'buffer'): Map<string, Tensor> {
    const tensors = new Map<string, Tensor>()
    for (const [name, entry] of this.namedState()) if (entry.kind === kind) tensors.set(name, entry.tensor)
    return tensors
  }
}

/** `layer1` and `0` -> `layer1.0`; the root's name is empty. */
function joinNames(parent: string, child: string): string {
  return parent === '' ? child : `${parent}.${child}`
}
