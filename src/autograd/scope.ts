/**
 * Scopes decide when tensors die without anybody disposing of them. What is made inside a scope is released when the
 * scope ends, except what its function returns, which moves to the scope outside. Saved activations are not affected:
 * the tape holds references of its own. Every module call and every training step is a scope.
 */
import { AutogradError } from '../device/errors.js'
import { collected } from './handle.js'
import { Tensor } from './tensor.js'

export class ScopeStack {
  readonly #scopes: Set<Tensor>[] = []

  /** Puts a new tensor under the care of the innermost scope. */
  adopt(tensor: Tensor): void {
    const scope = this.#scopes.at(-1)
    if (scope) scope.add(tensor)
    else collected.register(tensor, tensor.handle, tensor.handle)
  }

  /** Lets a tensor outlive all scopes: parameters, gradients, optimizer state. */
  keep(tensor: Tensor): void {
    for (const scope of this.#scopes) scope.delete(tensor)
    collected.unregister(tensor.handle)
    collected.register(tensor, tensor.handle, tensor.handle)
  }

  /** Returns the memory of a tensor before its scope ends, if it was made in (or handed to) the innermost scope. */
  release(tensor: Tensor): void {
    if (this.#scopes.at(-1)?.delete(tensor)) tensor.handle.release('the module that took it as input')
  }

  run<T>(body: () => T): T {
    const scope = new Set<Tensor>()
    this.#scopes.push(scope)
    let result: T
    try {
      result = body()
      if (result instanceof Promise) {
        throw new AutogradError('a scope takes a synchronous function: read values back after it has returned')
      }
      const survivors = tensorsIn(result).filter((tensor) => scope.delete(tensor))
      this.#leave(scope)
      for (const tensor of survivors) this.adopt(tensor)
      return result
    } catch (error) {
      if (this.#scopes.at(-1) === scope) this.#leave(scope)
      throw error
    }
  }

  #leave(scope: Set<Tensor>): void {
    this.#scopes.pop()
    for (const tensor of scope) tensor.handle.release('the end of the scope that made it')
  }
}

/** The tensors in a value: itself, or in the elements or properties of arrays and plain objects. */
export function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value]
  if (Array.isArray(value)) return value.flatMap(tensorsIn)
  if (value instanceof Map) return [...value.values()].flatMap(tensorsIn)
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.values(value).flatMap(tensorsIn)
  }
  return []
}
