/** Where in an unpickled checkpoint the weights are. */
import { WeightsError } from '../../device/errors.js'
import { describeObject } from './pickled-object.js'
import { isPickledTensor } from './tensors.js'
import {
  calleeOf,
  describePickled,
  PersistentId,
  PickleCall,
  PickleDict,
  PickleList,
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

/** How many keys an error lists. */
const listedKeys = 12

/** Classes of the standard library that are dicts. */
const dictClasses = new Set(['collections.OrderedDict', 'collections.defaultdict', 'builtins.dict', '__builtin__.dict'])

/** Objects that scripts put beside the tensors of a state dict and that are surely none. */
const otherClasses = new Set([
  '__builtin__.set',
  'argparse.Namespace',
  'builtins.set',
  'collections.Counter',
  'datetime.datetime',
  'numpy._core.multiarray.scalar',
  'numpy.core.multiarray.scalar',
  'pathlib.PosixPath',
  'pathlib.WindowsPath',
  'torch.Size',
  'torch.device',
])

type Entries = ReadonlyMap<PickleValue, PickleValue>

/**
 * The state dict in a checkpoint: the checkpoint itself, or what is under the usual keys. What else a checkpoint holds (an
 * epoch, arguments, an optimizer's state) is not looked at, and neither are entries of the state dict that are no tensors by
 * their nature, such as numbers, a `Namespace` and `_extra_state`.
 *
 * @returns each tensor's description by its name, in the order of the file
 * @throws WeightsError where there is none; it says what was found
 */
export function findStateDict(checkpoint: PickleValue, file: string): ReadonlyMap<string, PickleValue> {
  const entries = entriesOf(checkpoint)
  if (entries === undefined) {
    throw new WeightsError(file, { expected: 'a state dict: a dict of tensors', found: describeObject(checkpoint) })
  }
  const found = search(checkpoint, mostWrappers, new Set())
  if (found !== undefined) return tensorsOf(found, file)
  throw new WeightsError(file, {
    expected: `tensors, or a dict of them under one of the keys ${wrapperKeys.join(', ')}`,
    found: describeEntries(entries),
  })
}

/**
 * The wrapped one first: next to it there may be tensors that are no weights.
 *
 * @param seen the dicts that were searched: one that contains itself is searched once
 */
function search(value: PickleValue | undefined, wrappers: number, seen: Set<PickleValue>): Entries | undefined {
  if (value === undefined || seen.has(value)) return undefined
  const entries = entriesOf(value)
  if (entries === undefined) return undefined
  seen.add(value)
  for (const key of wrappers > 0 ? wrapperKeys : []) {
    const found = search(entries.get(key), wrappers - 1, seen)
    if (found !== undefined) return found
  }
  for (const entry of entries.values()) if (isPickledTensor(entry)) return entries
  return undefined
}

function isDict(value: PickleValue | undefined): value is PickleDict | PickleCall {
  return value instanceof PickleDict || dictClasses.has(calleeOf(value) ?? '')
}

function entriesOf(value: PickleValue | undefined): Entries | undefined {
  if (!isDict(value)) return undefined
  const pairs = value instanceof PickleCall ? pairsOf(value.parameters[0]) : []
  return pairs.length === 0 ? value.entries : new Map([...pairs, ...value.entries])
}

/** Python 2 gives an `OrderedDict` its entries as its argument, a list of lists; Python 3 sets them one by one. */
function pairsOf(value: PickleValue | undefined): (readonly [PickleValue, PickleValue])[] {
  if (!(value instanceof PickleList)) return []
  return value.items.flatMap((pair) => {
    const items = pair instanceof PickleList || pair instanceof PickleTuple ? pair.items : []
    return items.length === 2 ? [[items[0]!, items[1]!] as const] : []
  })
}

function tensorsOf(entries: Entries, file: string): ReadonlyMap<string, PickleValue> {
  const tensors = new Map<string, PickleValue>()
  for (const [name, value] of entries) {
    if (isOther(name, value)) continue
    if (typeof name !== 'string') {
      throw new WeightsError(file, { expected: 'tensors with names', found: `one under ${describePickled(name)}` })
    }
    tensors.set(name, value)
  }
  return tensors
}

/** Whether an entry of a state dict is no tensor. What a call would make might be one: leaving it out could lose weights. */
function isOther(name: PickleValue, value: PickleValue): boolean {
  if (isPickledTensor(value)) return false
  if (!(value instanceof PickleCall || value instanceof PersistentId) || isDict(value)) return true
  // what a module's get_extra_state() gives may be anything, and has no meaning to others
  const isExtraState = typeof name === 'string' && /(^|\.)_extra_state$/.test(name)
  return isExtraState || otherClasses.has(calleeOf(value) ?? '')
}

/** What a dict without weights has: the object where they should have been, or its keys. */
function describeEntries(entries: Entries): string {
  if (entries.size === 0) return 'an empty dict'
  const key = wrapperKeys.find((each) => entries.get(each) instanceof PickleCall && !isDict(entries.get(each)))
  if (key !== undefined) return `a dict whose "${key}" is ${describeObject(entries.get(key))}`
  const keys = [...entries.keys()].slice(0, listedKeys).map(describePickled).join(', ')
  return `a dict with ${keys}${entries.size > listedKeys ? ', ...' : ''}`
}
