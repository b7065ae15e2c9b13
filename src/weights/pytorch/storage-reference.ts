/** The parts of a pickle that refer to storages, which lie outside of it. */
import { elementSizes, type ElementType } from '../element-types.js'
import { describePickled, PersistentId, PickleGlobal, PickleTuple, type PickleValue } from './values.js'

/** A part of a storage, in elements. */
export interface StorageReference {
  /** By what its bytes are found in the file. */
  readonly key: string
  /** How many elements the whole storage has, or bytes where it has no type of its own. */
  readonly length: number
  /** `undefined` for a storage of bytes, whose tensors have a type of their own. */
  readonly type: ElementType | undefined
  /** The size of one of its elements in bytes: 1 where it has no type. */
  readonly elementSize: number
  /** Where the part begins; not 0 only in files of before PyTorch 1.6, which save views on storages. */
  readonly begin: number
}

/** Throws the error of the tensor at hand. */
export type Fail = (expected: string, found: string) => never

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

/** Elements of types that are not read, whose data has to be passed over all the same. */
const otherElementSizes: Readonly<Record<string, number>> = {
  ComplexDoubleStorage: 16,
  ComplexFloatStorage: 8,
  QInt32Storage: 4,
  QInt8Storage: 1,
  QUInt2x4Storage: 1,
  QUInt4x2Storage: 1,
  QUInt8Storage: 1,
}

/** ('storage', class, key, location, number of elements), and in old files a view: (key, offset, number of elements). */
export function storageReference(value: PickleValue | undefined, fail: Fail): StorageReference {
  const parts = storageParts(value)
  if (parts === undefined || !isCount(parts.length)) return fail('a storage', describePickled(value))
  const { storageClass, key, length, view } = parts
  const type = storageType(storageClass)
  if (type === undefined && !untypedStorages.has(storageClass.path)) {
    return fail(`a storage of the kind ${Object.keys(storageTypes).join(', ')}`, describePickled(storageClass))
  }
  const elementSize = type === undefined ? 1 : elementSizes[type]
  return { key, length, type, elementSize, begin: viewBegin(view, fail) }
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

function viewBegin(view: PickleValue | undefined, fail: Fail): number {
  if (view === undefined || view === null) return 0
  const begin = view instanceof PickleTuple ? view.items[1] : undefined
  return isCount(begin) ? begin : fail('a view on a storage', describePickled(view))
}

/** Whether a value is an integer that can count something. */
export function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
