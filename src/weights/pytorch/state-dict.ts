/** Where in an unpickled checkpoint the weights are. */
import { WeightsError } from '../../device/errors.js'
import { isPickledTensor } from './tensors.js'
import {
  calleeOf,
  describePickled,
  PersistentId,
  PickleCall,
  PickleDict,
  PickleTuple,
  type PickleValue,
} from './values.js'

/**
 * Under which keys training scripts keep the weights, in the order in which they are preferred: what an evaluation would
 * load first. Lightning, timm, torchvision's references, MMEngine, and everybody's own scripts.
 */
const wrapperKeys = [
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'module',
  'net',
  'network',
  'weights',
  'params',
  'state_dict_ema',
  'model_ema',
  'ema',
]

/** `{'model': {'state_dict': {...}}}`, and one more. */
const mostWrappers = 3

/** Classes of the standard library that are dicts. */
const dictClasses = new Set(['collections.OrderedDict', 'collections.defaultdict', 'builtins.dict', '__builtin__.dict'])

type Entries = ReadonlyMap<PickleValue, PickleValue>

/**
 * The state dict in a checkpoint: the checkpoint itself, or what is under the usual keys. What else a checkpoint holds
 * (an epoch, arguments, an optimizer's state) is not looked at, and neither are entries of the state dict that are no tensors by
 * their nature, such as numbers and `_extra_state`.
 *
 * @returns each tensor's description by its name, in the order of the file
 * @throws WeightsError where there is none; it says what was found
 */
export function findStateDict(checkpoint: PickleValue, file: string): ReadonlyMap<string, PickleValue> {
  const entries = entriesOf(checkpoint)
  if (entries === undefined) {
    throw new WeightsError(file, { expected: 'a state dict: a dict of tensors', found: describeObject(checkpoint) })
  }
  const found = search(entries, mostWrappers)
  if (found !== undefined) return tensorsOf(found, file)
  const keys = [...entries.keys()].slice(0, 12).map(describePickled).join(', ')
  throw new WeightsError(file, {
    expected: `tensors, or a dict of them under one of the keys ${wrapperKeys.join(', ')}`,
    found: entries.size === 0 ? 'an empty dict' : `a dict with ${keys}${entries.size > 12 ? ', ...' : ''}`,
  })
}

/** The wrapped one first: next to it there may be tensors that are no weights. */
function search(entries: Entries, wrappers: number): Entries | undefined {
  for (const key of wrappers > 0 ? wrapperKeys : []) {
    const inner = entriesOf(entries.get(key))
    const found = inner && search(inner, wrappers - 1)
    if (found !== undefined) return found
  }
  return [...entries.values()].some(isPickledTensor) ? entries : undefined
}

function entriesOf(value: PickleValue | undefined): Entries | undefined {
  if (value instanceof PickleDict) return value.entries
  return value instanceof PickleCall && dictClasses.has(calleeOf(value) ?? '') ? value.entries : undefined
}

function tensorsOf(entries: Entries, file: string): ReadonlyMap<string, PickleValue> {
  const tensors = new Map<string, PickleValue>()
  for (const [name, value] of entries) {
    // what a call would make might have been a tensor: leaving it out could lose weights
    const isOther = !(value instanceof PickleCall || value instanceof PersistentId) || entriesOf(value) !== undefined
    if (isOther && !isPickledTensor(value)) continue
    if (typeof name !== 'string') {
      throw new WeightsError(file, { expected: 'tensors with names', found: `one under ${describePickled(name)}` })
    }
    tensors.set(name, value)
  }
  return tensors
}

function describeObject(value: PickleValue): string {
  const module = moduleClass(value)
  if (module === undefined) return describePickled(value)
  return `a whole object of the class ${module.slice(0, 200)}; save its weights alone: torch.save(model.state_dict(), FILE)`
}

/** The class of a pickled `nn.Module`: its attributes have a dict of modules. Old files keep the class outside. */
function moduleClass(value: PickleValue): string | undefined {
  if (!(value instanceof PickleCall)) return undefined
  const isModule = value.state instanceof PickleDict && value.state.entries.has('_modules')
  if (!isModule) return undefined
  const { callee } = value
  const id = callee instanceof PersistentId && callee.id instanceof PickleTuple ? callee.id.items[1] : callee
  return calleeOf(value) ?? (id && 'path' in Object(id) ? (id as { path: string }).path : 'of its own')
}
