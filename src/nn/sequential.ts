import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { chain } from './chain.js'
import { Module } from './module.js'

/** Modules that run one after another; their names are '0', '1', ..., or those of a record. */
export class Sequential extends Module {
  readonly #modules: Map<string, Module>

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
    return chain(input, ...this.#modules.values())
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
