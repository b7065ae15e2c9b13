/** The parts of a pickle that are tensors, by the names of the functions that PyTorch pickles them with. */
import type { ElementType } from '../element-types.js'
import { describeObject } from './pickled-object.js'
import { type Fail, isCount, storageReference, type StorageReference } from './storage-reference.js'
import {
  calleeOf,
  describePickled,
  PickleCall,
  PickleDict,
  PickleGlobal,
  PickleTuple,
  type PickleValue,
  printable,
} from './values.js'

/** A tensor as PyTorch describes it: a storage, and how the elements lie in it. */
export interface PickledTensor {
  readonly storage: StorageReference
  readonly type: ElementType
  readonly shape: readonly number[]
  /** In elements. */
  readonly offset: number
  readonly strides: readonly number[]
}

const tensorTypes: Readonly<Record<string, ElementType>> = {
  'torch.float64': 'float64',
  'torch.float32': 'float32',
  'torch.float16': 'float16',
  'torch.bfloat16': 'bfloat16',
  'torch.float8_e4m3fn': 'float8_e4m3fn',
  'torch.float8_e5m2': 'float8_e5m2',
  'torch.int64': 'int64',
  'torch.int32': 'int32',
  'torch.int16': 'int16',
  'torch.uint16': 'uint16',
  'torch.int8': 'int8',
  'torch.uint8': 'uint8',
  'torch.bool': 'bool',
}

/** Makes a tensor of a type that is its seventh argument; the others make one of the type of their storage. */
const rebuildTyped = 'torch._utils._rebuild_tensor_v3'
const typeArgument = 6

/**
 * Functions that make a tensor of a storage, an offset, a size, strides and more, with the position of the argument that
 * says whether the elements are kept negated or conjugated.
 */
const rebuildTensor: ReadonlyMap<string, number | undefined> = new Map([
  ['torch._utils._rebuild_tensor', undefined],
  ['torch._utils._rebuild_tensor_v2', 6],
  [rebuildTyped, 7],
])

/** Functions and classes whose first argument is the tensor that they wrap. */
const wrappers = new Set([
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
  'torch.nn.parameter.Parameter',
  'torch.nn.Parameter',
  'torch.nn.parameter.Buffer',
])

/** (function, class, arguments, state): how subclasses of tensors, and tensors with attributes, are pickled. */
const rebuildFromType = 'torch._tensor._rebuild_from_type_v2'

/** Classes whose elements are what the storage holds. Others might mean something else by it, such as codes of numbers. */
const plainClasses = new Set(['torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer'])

/** A tensor may be wrapped in a parameter, and that in one with attributes. */
const mostWrappers = 4

/** PyTorch computes with no more; a million tensors may refer to one size, so its length is time and memory. */
const mostDimensions = 64

/** The description of the tensor itself: what is in parameters and in tensors with attributes. */
function unwrapped(value: PickleValue | undefined): PickleCall | undefined {
  let current = value
  for (let depth = 0; depth <= mostWrappers; depth++) {
    if (!(current instanceof PickleCall)) return undefined
    const callee = calleeOf(current) ?? ''
    if (rebuildTensor.has(callee)) return current
    if (wrappers.has(callee)) current = current.parameters[0]
    else if (callee === rebuildFromType) {
      const [rebuild, , parameters] = current.parameters
      const isPlain = plainClasses.has(classOf(current) ?? '')
      if (!isPlain || !(parameters instanceof PickleTuple) || rebuild === undefined) return undefined
      current = new PickleCall(rebuild, parameters.items)
    } else return undefined
  }
  return undefined
}

/** The class of a tensor that is pickled with it. */
function classOf(value: PickleValue): string | undefined {
  const named = value instanceof PickleCall && calleeOf(value) === rebuildFromType ? value.parameters[1] : undefined
  return named instanceof PickleGlobal ? named.path : undefined
}

/** Whether a value is a tensor, be it of a kind that is read or of another one. */
export function isPickledTensor(value: PickleValue | undefined): boolean {
  const callee = calleeOf(value) ?? ''
  return unwrapped(value) !== undefined || callee === rebuildFromType || callee.startsWith('torch._utils._rebuild_')
}

/**
 * What a pickle says of a tensor; checked for itself, not against the file.
 *
 * @param fail called where it is no tensor, or one of a kind or type that is not read
 */
export function pickledTensor(value: PickleValue, fail: Fail): PickledTensor {
  const call = unwrapped(value)
  if (call === undefined) return fail('a tensor of the ordinary, dense kind', describeTensor(value))
  const [storageValue, offset, size, stride] = call.parameters
  const storage = storageReference(storageValue, fail)
  const shape = integers(size)
  const strides = integers(stride)
  if (shape === undefined) {
    return fail(`a size of integers, none negative, ${mostDimensions} at most`, describePickled(size))
  }
  if (strides?.length !== shape.length) return fail(`${shape.length} strides, none negative`, describePickled(stride))
  if (!isCount(offset)) return fail('an offset that is not negative', describePickled(offset))
  checkMetadata(call, fail)
  return { storage, type: elementType(call, storage, fail), shape, offset, strides }
}

function describeTensor(value: PickleValue): string {
  const named = classOf(value)
  return named === undefined ? describeObject(value) : `one of the class ${printable(named)}`
}

function elementType(call: PickleCall, storage: StorageReference, fail: Fail): ElementType {
  if (calleeOf(call) !== rebuildTyped) return storage.type ?? fail('a storage of a type', 'one of bytes')
  const value = call.parameters[typeArgument]
  return tensorType(value) ?? fail(`a type of ${Object.keys(tensorTypes).join(', ')}`, describePickled(value))
}

function tensorType(value: PickleValue | undefined): ElementType | undefined {
  if (!(value instanceof PickleGlobal) || !Object.hasOwn(tensorTypes, value.path)) return undefined
  return tensorTypes[value.path]
}

function checkMetadata(call: PickleCall, fail: Fail): void {
  const position = rebuildTensor.get(calleeOf(call) ?? '')
  const metadata = position === undefined ? undefined : call.parameters[position]
  if (!(metadata instanceof PickleDict)) return
  for (const [key, value] of metadata.entries) {
    if (value !== false)
      fail('elements as they are, neither negated nor conjugated', `the mark ${describePickled(key)}`)
  }
}

/** A tuple of integers, or a `torch.Size` of one. */
function integers(value: PickleValue | undefined): readonly number[] | undefined {
  const tuple = calleeOf(value) === 'torch.Size' ? (value as PickleCall).parameters[0] : value
  const items = tuple instanceof PickleTuple ? tuple.items : undefined
  return items !== undefined && items.length <= mostDimensions && items.every(isCount) ? items : undefined
}
