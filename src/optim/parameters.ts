/** The parameters that an optimizer is given: a list, named or not, or groups with options of their own. */
import { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'

/**
 * Parameters: a list such as `model.parameters()`, or with names, such as the Map of `model.namedParameters()`. Names
 * appear in state dicts; a list gets the numbers 0, 1, ... instead.
 */
export type Parameters = Iterable<Tensor | readonly [string, Tensor]>

/** Parameters with options that differ from the optimizer's own. */
export type ParameterGroup<O> = { readonly params: Parameters } & Partial<O>

/** What an optimizer keeps of a group: its parameters, its options, and the learning rate that a scheduler started from. */
export type OptimizerGroup<O> = O & {
  readonly params: readonly NamedParameter[]
  /** The learning rate before the first scheduler changed it; schedulers set it. */
  initialLr?: number
}

export interface NamedParameter {
  readonly name: string
  readonly tensor: Tensor
}

/** Options of a group as they were given, with its parameters named. */
export interface NamedGroup<O> {
  readonly params: readonly NamedParameter[]
  readonly options: Partial<O>
}

/**
 * Names parameters and sorts them into groups.
 *
 * @throws OptionError when there is none, when one appears twice, is no leaf, no f32, or belongs to another engine
 */
export function groupParameters<O>(
  optimizer: string,
  parameters: Parameters | Iterable<ParameterGroup<O>>,
): NamedGroup<O>[] {
  const option = `${optimizer}: parameters`
  const given = [...(parameters as Iterable<Tensor | readonly [string, Tensor] | ParameterGroup<O>>)]
  const isGroup = (entry: (typeof given)[number]): entry is ParameterGroup<O> =>
    typeof entry === 'object' && !(entry instanceof Tensor) && 'params' in entry
  const groups = given.filter(isGroup)
  if (groups.length > 0 && groups.length < given.length) {
    throw new OptionError(option, 'either tensors or groups { params, ... }', 'a mixture')
  }
  let next = 0
  const nameOne = (entry: Tensor | readonly [string, Tensor]): NamedParameter => {
    const [name, tensor] = entry instanceof Tensor ? [String(next++), entry] : entry
    if (!(tensor instanceof Tensor)) throw new OptionError(option, 'tensors', tensor)
    return { name, tensor }
  }
  const named =
    groups.length > 0
      ? groups.map(({ params, ...options }) => ({ params: [...params].map(nameOne), options: options as Partial<O> }))
      : [{ params: (given as (Tensor | readonly [string, Tensor])[]).map(nameOne), options: {} }]
  checkParameters(option, named)
  return named
}

function checkParameters(option: string, groups: readonly NamedGroup<unknown>[]): void {
  const seen = new Map<Tensor, string>()
  const names = new Set<string>()
  for (const { params } of groups) {
    if (params.length === 0) throw new OptionError(option, 'at least one tensor', 'none; is everything frozen?')
    for (const { name, tensor } of params) {
      const earlier = seen.get(tensor)
      if (earlier !== undefined) throw new OptionError(option, 'each tensor once', `"${name}" again, as "${earlier}"`)
      if (names.has(name)) throw new OptionError(option, 'different names', `"${name}" twice`)
      if (!tensor.isLeaf) {
        throw new OptionError(option, 'leaves, which no operation made', `"${name}", ${tensor.toString()}`)
      }
      if (tensor.dtype !== 'f32') throw new OptionError(option, 'f32 tensors', `"${name}", ${tensor.toString()}`)
      if (tensor.engine !== groups[0]!.params[0]!.tensor.engine) {
        throw new OptionError(option, 'tensors of one engine', `"${name}" of another`)
      }
      seen.set(tensor, name)
      names.add(name)
    }
  }
}
