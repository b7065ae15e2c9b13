import type { Engine } from '../autograd/engine.js'
import { checkpoint } from '../autograd/ops/checkpoint.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { chain } from './chain.js'
import { Module } from './module.js'

/** Modules that run one after another; their names are '0', '1', ..., or those of a record. */
export class Sequential extends Module {
  readonly #modules: Map<string, Module>
  /**
   * Where stages begin that the backward pass computes again, each by itself, instead of keeping what they saved; the first
   * begins in any case. None by default: nothing is computed again. See `ops.checkpoint`.
   */
  checkpointStages: readonly number[] = []

  constructor(engine: Engine, modules: readonly Module[] | Readonly<Record<string, Module>>) {
    super(engine)
    this.#modules = new Map(Object.entries(modules))
  }

  override get children(): ReadonlyMap<string, Module> {
    return this.#modules
  }

  get length(): number {
    return this.#modules.size
  }

  /** The module with a name or an index; a negative index counts from the end. */
  at(name: string | number): Module {
    return this.#modules.get(this.#resolve(name))!
  }

  /** Puts another module in the place of an existing one. */
  replace(name: string | number, module: Module): void {
    this.#modules.set(this.#resolve(name), module)
  }

  override forward(input: Tensor): Tensor {
    const modules = [...this.#modules.values()]
    if (this.checkpointStages.length === 0) return chain(input, ...modules)
    const ends = [...this.checkpointStages, modules.length]
    const stages = ends.map((end, i) => modules.slice(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0)
    let current = input
    for (const stage of stages) {
      const next = checkpoint((from) => chain(from, ...stage), current)
      if (current !== input && current !== next) this.engine.scopes.release(current)
      current = next
    }
    return current
  }

  #resolve(name: string | number): string {
    const names = [...this.#modules.keys()]
    const resolved = typeof name === 'number' ? names.at(name) : name
    if (resolved === undefined || !this.#modules.has(resolved)) {
      throw new OptionError('Sequential', `one of ${names.join(', ')}`, name)
    }
    return resolved
  }
}
