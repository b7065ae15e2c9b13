/** What an optimizer remembers of its parameters between steps: how often they were updated, and tensors on the GPU. */
import type { LeafBlock, Place } from '../autograd/leaf-block.js'
import { Tensor } from '../autograd/tensor.js'
import { fill } from '../kernels/fill/fill.js'
import type { SavedParameter } from './state-dict.js'

/** The state of one parameter. */
export interface ParameterState {
  /** How often the parameter was updated. */
  step: number
  /** How often the tensors were; SGD may have done steps without momentum. */
  updates: number
  /** By PyTorch's names; zeros before the first update. Those of parameters that share memory lie in the same places. */
  readonly tensors: Map<string, Tensor>
  /** Where the parameter lay when the tensors were made. */
  place: Place | undefined
}

export class ParameterStates {
  readonly #states = new Map<Tensor, ParameterState>()
  /** The state tensors of parameters that share memory, by their names. */
  readonly #blocks = new Map<LeafBlock, Map<string, Tensor>>()

  /** The state of a parameter that was updated before; `undefined` for any other. */
  updated(parameter: Tensor): ParameterState | undefined {
    const state = this.#states.get(parameter)
    return state && state.step > 0 ? state : undefined
  }

  /** The state of a parameter, with tensors of these names. */
  prepare(parameter: Tensor, names: Iterable<string>): ParameterState {
    const { place } = parameter
    let state = this.#states.get(parameter)
    if (!state) this.#states.set(parameter, (state = { step: 0, updates: 0, tensors: new Map(), place }))
    if (state.place !== place) this.#follow(parameter, state)
    for (const name of names) {
      if (!state.tensors.has(name)) state.tensors.set(name, this.#zerosFor(parameter, name))
    }
    return state
  }

  /** The state tensor of all parameters of a block. */
  ofBlock(block: LeafBlock, name: string): Tensor {
    let tensors = this.#blocks.get(block)
    if (!tensors) this.#blocks.set(block, (tensors = new Map<string, Tensor>()))
    let tensor = tensors.get(name)
    if (!tensor) tensors.set(name, (tensor = kept(block.engine.zeros([block.size]))))
    return tensor
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

  /** Takes back the count of so many steps, in which nothing was updated. */
  uncount(parameter: Tensor, steps: number): void {
    const state = this.#states.get(parameter)
    if (!state) return
    state.step = Math.max(0, state.step - steps)
    state.updates = Math.max(0, state.updates - steps)
  }

  #zerosFor({ engine, shape, place }: Tensor, name: string): Tensor {
    if (!place) return kept(engine.zeros(shape))
    const { buffer } = this.ofBlock(place.block, name)
    return kept(new Tensor(engine, shape, 'f32', buffer.part(place.offset * 4, place.size * 4)))
  }

  /** Moves the tensors to where the parameter has been moved. */
  #follow(parameter: Tensor, state: ParameterState): void {
    for (const [name, tensor] of state.tensors) {
      const moved = this.#zerosFor(parameter, name)
      parameter.engine.device.copy(tensor.buffer, 0, moved.buffer, 0, parameter.size * 4)
      tensor.handle.release('the optimizer, which moved it')
      state.tensors.set(name, moved)
    }
    state.place = parameter.place
  }
}

function kept(tensor: Tensor): Tensor {
  tensor.engine.scopes.keep(tensor)
  return tensor
}
