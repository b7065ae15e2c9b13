/**
 * What an optimizer remembers between steps, as a state dict: named arrays that weights files hold, so that training
 * resumes exactly from a checkpoint. For each parameter that was updated, under its name in the optimizer:
 *
 * - `<name>.step`: how often, an int64 scalar,
 * - `<name>.exp_avg` and so on: the state tensors, under PyTorch's names,
 *
 * and `param_groups`: the optimizer's class, and the options and parameter names of its groups, as JSON in bytes, because
 * learning rates are double-precision numbers and have to come back as they were.
 */
import { formatShape, sameShape } from '../autograd/shape.js'
import type { Tensor } from '../autograd/tensor.js'
import { WeightsError } from '../device/errors.js'
import type { NamedArray, StateDict } from '../nn/state-dict.js'

/** The options of a group that JSON can hold, such as `lr` and `betas`, and the names of its parameters. */
export interface SavedGroup {
  readonly params: readonly string[]
  readonly [option: string]: unknown
}

export interface SavedGroups {
  /** The optimizer's class: SGD, Adam or AdamW. */
  readonly optimizer: string
  readonly groups: readonly SavedGroup[]
}

/** The state of one parameter as a state dict has it. */
export interface SavedParameter {
  readonly step: number
  readonly tensors: ReadonlyMap<string, Float32Array>
}

const groupsKey = 'param_groups'

/** How errors call the state that they find fault with. */
export function stateError(expected: string, found: string, tensor?: string): WeightsError {
  return new WeightsError('optimizer state', { tensor, expected, found })
}

export function encodeGroups(stateDict: StateDict, groups: SavedGroups): void {
  const data = new TextEncoder().encode(JSON.stringify(groups))
  stateDict.set(groupsKey, { shape: [data.length], dtype: 'uint8', data })
}

/** @throws WeightsError when there are none, or they cannot be read */
export function decodeGroups(stateDict: StateDict): SavedGroups {
  const array = stateDict.get(groupsKey)
  if (array?.dtype !== 'uint8') throw stateError('JSON as uint8', array?.dtype ?? 'nothing', groupsKey)
  const text = new TextDecoder().decode(array.data)
  try {
    const { optimizer, groups } = JSON.parse(text) as Partial<SavedGroups>
    const complete = groups?.every(({ params }) => params.every((name) => typeof name === 'string'))
    if (complete && optimizer !== undefined) return { optimizer, groups: groups! }
  } catch {
    // reported below, like JSON of another form
  }
  throw stateError('{ optimizer, groups: [{ params, ... }] } as JSON', text.slice(0, 60), groupsKey)
}

export function encodeStep(stateDict: StateDict, parameter: string, step: number): void {
  stateDict.set(`${parameter}.step`, { shape: [], dtype: 'int64', data: BigInt64Array.of(BigInt(step)) })
}

/**
 * The state of one parameter, or `undefined` if it was never updated.
 *
 * @param stateNames the state tensors that the optimizer knows
 * @throws WeightsError when something has another type or shape than it must have
 */
export function decodeParameter(
  stateDict: StateDict,
  name: string,
  parameter: Tensor,
  stateNames: readonly string[],
): SavedParameter | undefined {
  const stepArray = stateDict.get(`${name}.step`)
  if (!stepArray) return undefined
  const step = stepArray.dtype === 'int64' && stepArray.data.length === 1 ? Number(stepArray.data[0]) : 0
  if (step < 1) throw stateError('one positive int64', `${stepArray.dtype} ${String(stepArray.data)}`, `${name}.step`)
  const tensors = new Map<string, Float32Array>()
  for (const key of stateNames) {
    const array = stateDict.get(`${name}.${key}`)
    if (array) tensors.set(key, valuesFor(parameter, `${name}.${key}`, array))
  }
  if (tensors.size > 0 && tensors.size < stateNames.length) {
    throw stateError(`${stateNames.join(' and ')} of "${name}"`, [...tensors.keys()].join(', '))
  }
  return { step, tensors }
}

/** Every name that may be in the state dict of an optimizer of these parameters. */
export function namesFor(parameters: readonly string[], stateNames: readonly string[]): Set<string> {
  const ofOne = (name: string) => ['step', ...stateNames].map((key) => `${name}.${key}`)
  return new Set([groupsKey, ...parameters.flatMap(ofOne)])
}

function valuesFor(parameter: Tensor, name: string, array: NamedArray): Float32Array {
  if (array.dtype !== 'float32') throw stateError('float32 values', array.dtype, name)
  if (!sameShape(array.shape, parameter.shape) || array.data.length !== parameter.size) {
    const found = `${formatShape(array.shape)} with ${array.data.length} values`
    throw stateError(`shape ${formatShape(parameter.shape)}`, found, name)
  }
  return array.data
}
