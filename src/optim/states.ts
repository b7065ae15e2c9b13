/** What an optimizer remembers of its parameters between steps: how often they were updated, and tensors on the GPU. */
import type { Tensor } from '../autograd/tensor.js'
import { fill } from '../kernels/fill/fill.js'
import type { SavedParameter } from './state-dict.js'

/** The state of one parameter. */
export interface ParameterState {
  /** How often the parameter was updated. */
  step: number
  /** How often the tensors were; SGD may have done steps without momentum. */
  updates: number
  /** By PyTorch's names; zeros before the first update. */
  readonly tensors: Map<string, Tensor>
}

export class ParameterStates {
  readonly #states = new Map<Tensor, ParameterState>()

  /** The state of a parameter that was updated before; `undefined` for any other. */
  updated(parameter: Tensor): ParameterState | undefined {
    const state = this.#states.get(parameter)
    return state && state.step > 0 ? state : undefined
  }

  /** The state of a parameter, with tensors of these names. */
  prepare(parameter: Tensor, names: Iterable<string>): ParameterState {
    let state = this.#states.get(parameter)
    if (!state) this.#states.set(parameter, (state = { step: 0, updates: 0, tensors: new Map() }))
    for (const name of names) {
      if (!state.tensors.has(name)) state.tensors.set(name, zerosFor(parameter))
    }
    return state
  }

  /** Replaces the state of a parameter, in the memory that it has. */
  load(parameter: Tensor, saved: SavedParameter | undefined): void {
    if (!saved && !this.#states.has(parameter)) return
    const values = saved?.tensors ?? new Map<string, Float32Array>()
    const state = this.prepare(parameter, values.keys())
    state.step = saved?.step ?? 0
    state.updates = values.size > 0 ? state.step : 0
    for (const [name, tensor] of state.tensors) {
      const data = values.get(name)
      if (data) tensor.set(data)
      else fill(parameter.engine.device, { output: tensor.buffer, size: tensor.size, value: 0 })
    }
  }
}

function zerosFor(parameter: Tensor): Tensor {
  const tensor = parameter.engine.zeros(parameter.shape)
  parameter.engine.scopes.keep(tensor)
  return tensor
}
