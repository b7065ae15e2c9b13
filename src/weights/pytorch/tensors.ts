/** The parts of a pickle that are tensors, by the names of the functions that PyTorch pickles them with. */
import { WeightsError } from '../../device/errors.js'
import { elementSizes, type ElementType } from '../element-types.js'
import {
  calleeOf,
  describePickled,
  PersistentId,
  PickleCall,
  PickleGlobal,
  PickleTuple,
  type PickleValue,
} from './values.js'

/** A part of a storage, in elements. */
export interface StorageReference {
  /** By what its bytes are found in the file. */
  readonly key: string
  /** How many elements the whole storage has, or bytes where it has no type of its own. */
  readonly length: number
  /** `undefined` for a storage of bytes, whose tensors have a type of their own. */
  readonly type: ElementType | undefined
  /** Where the part begins; not 0 only in files of before PyTorch 1.6, which save views on storages. */
  readonly begin: number
}

/** A tensor as PyTorch describes it: a storage, and how the elements lie in it. */
export interface PickledTensor {
  readonly storage: StorageReference
  readonly type: ElementType
  readonly shape: readonly number[]
  /** In elements. */
  readonly offset: number
  readonly strides: readonly number[]
}

const storageTypes: Readonly<Record<string, ElementType>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
}

/** Storages of bytes, which tensors of types without a storage class of their own have. */
const untypedStorages = new Set([
  'torch.storage.UntypedStorage',
  'torch.storage._UntypedStorage',
  'torch.UntypedStorage',
])

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

/** Functions that make a tensor of a storage; the third has the tensor's type as its seventh argument. */
const rebuildTensor = new Set([
  'torch._utils._rebuild_tensor',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
])
const typeArgument = 6

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

/** A tensor may be wrapped in a parameter, and that in one with attributes. */
const mostWrappers = 4

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
      if (!(parameters instanceof PickleTuple) || rebuild === undefined) return undefined
      current = new PickleCall(rebuild, parameters.items)
    } else return undefined
  }
  return undefined
}

/** Whether a value is a tensor, be it of a kind that is read or of another one. */
export function isPickledTensor(value: PickleValue | undefined): boolean {
  return unwrapped(value) !== undefined || (calleeOf(value)?.startsWith('torch._utils._rebuild_') ?? false)
}

/**
 * What a pickle says of a tensor; checked for itself, not against the file.
 *
 * @throws WeightsError where it is no tensor, or one of a kind or type that is not read
 */
export function pickledTensor(value: PickleValue, tensor: string, file: string): PickledTensor {
  const fail = (expected: string, found: string): never => {
    throw new WeightsError(file, { tensor, expected, found })
  }
  const call = unwrapped(value)
  if (call === undefined) return fail('a tensor of the ordinary, dense kind', describePickled(value))
  const [storageValue, offset, size, stride] = call.parameters
  const storage = storageReference(storageValue, fail)
  const shape = integers(size)
  const strides = integers(stride)
  if (shape === undefined) return fail('a size of integers, none negative', describePickled(size))
  if (strides?.length !== shape.length) return fail(`${shape.length} strides, none negative`, describePickled(stride))
  if (!isCount(offset)) return fail('an offset that is not negative', describePickled(offset))
  const type = storage.type ?? tensorType(call.parameters[typeArgument])
  if (type === undefined) {
    return fail(`a type of ${Object.keys(tensorTypes).join(', ')}`, describePickled(call.parameters[typeArgument]))
  }
  return { storage, type, shape, offset, strides }
}

type Fail = (expected: string, found: string) => never

/** ('storage', class, key, location, number of elements), and in old files a view: (key, offset, number of elements). */
function storageReference(value: PickleValue | undefined, fail: Fail): StorageReference {
  const parts = storageParts(value)
  if (parts === undefined || !isCount(parts.length)) return fail('a storage', describePickled(value))
  const { storageClass, key, length, view } = parts
  const isUntyped = untypedStorages.has(storageClass.path)
  const type = storageType(storageClass)
  if (!isUntyped && type === undefined) {
    return fail(`a storage of the kind ${Object.keys(storageTypes).join(', ')}`, describePickled(storageClass))
  }
  return { key, length, type, begin: viewBegin(view, fail) }
}

function storageParts(value: PickleValue | undefined) {
  const parts = value instanceof PersistentId && value.id instanceof PickleTuple ? value.id.items : []
  const [kind, storageClass, key, , length, view] = parts
  const isStorage = kind === 'storage' && storageClass instanceof PickleGlobal && typeof key === 'string'
  return isStorage ? { storageClass, key, length, view } : undefined
}

function storageType({ module, name }: PickleGlobal): ElementType | undefined {
  const isPyTorchs = /^torch(\.cuda|\.storage)?$/.test(module) && Object.hasOwn(storageTypes, name)
  return isPyTorchs ? storageTypes[name] : undefined
}

/** Elements of types that are not read, whose data has to be passed over all the same. */
const otherElementSizes: Readonly<Record<string, number>> = {
  ComplexDoubleStorage: 16,
  ComplexFloatStorage: 8,
  QInt32Storage: 4,
  QInt8Storage: 1,
  QUInt8Storage: 1,
}

/** The key of a storage and the bytes of an element of it, which an untyped one counts in bytes. */
export function storageElementSize(id: PersistentId): { key: string; elementSize: number | undefined } | undefined {
  const parts = storageParts(id)
  if (parts === undefined) return undefined
  const { storageClass, key } = parts
  if (untypedStorages.has(storageClass.path)) return { key, elementSize: 1 }
  const type = storageType(storageClass)
  return { key, elementSize: type === undefined ? otherElementSizes[storageClass.name] : elementSizes[type] }
}

function viewBegin(view: PickleValue | undefined, fail: Fail): number {
  if (view === undefined || view === null) return 0
  const begin = view instanceof PickleTuple ? view.items[1] : undefined
  return isCount(begin) ? begin : fail('a view on a storage', describePickled(view))
}

function tensorType(value: PickleValue | undefined): ElementType | undefined {
  if (!(value instanceof PickleGlobal) || !Object.hasOwn(tensorTypes, value.path)) return undefined
  return tensorTypes[value.path]
}

/** A tuple of integers, or a `torch.Size` of one. */
function integers(value: PickleValue | undefined): readonly number[] | undefined {
  const tuple = calleeOf(value) === 'torch.Size' ? (value as PickleCall).parameters[0] : value
  const items = tuple instanceof PickleTuple ? tuple.items : undefined
  return items?.every(isCount) ? items : undefined
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
