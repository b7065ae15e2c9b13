/** The header of the NPY format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
import { WeightsError } from '../../device/errors.js'
import type { StateDictDtype } from '../../nn/state-dict.js'
import { elementSizes, type ElementType } from '../element-types.js'
import { parsePythonDict } from './python-dict.js'

export interface NpyHeader {
  readonly storedType: ElementType
  /** The most significant byte of an element comes first. */
  readonly isBigEndian: boolean
  /** The elements lie in column-major order: the first index runs fastest. */
  readonly isFortranOrder: boolean
  readonly shape: readonly number[]
  /** In bytes. The elements follow. */
  readonly length: number
}

/** The element types that are read, by NumPy's characters and sizes. */
const numpyTypes = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  b1: 'bool',
} as const satisfies Record<string, ElementType>

const writtenTypes: Readonly<Record<StateDictDtype, string>> = {
  float32: '<f4',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  bool: '|b1',
}

/** "\x93NUMPY"; then two bytes with the version of the format, the length of the text, and the text. */
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** Bytes up to the text: its length has two bytes in version 1 and four in versions 2 and 3. */
const textBegin = { 1: 10, 2: 12, 3: 12 } as const

/** As many bytes as `npyHeaderLength` needs. */
export const npyStart = 12

/** Version 1 cannot say more; the later ones exist for records of many fields, which are no weights. */
const longestText = 65535

/** NumPy pads headers so that the elements begin at a multiple of this. */
const alignment = 64

type Version = keyof typeof textBegin
type Fail = (expected: string, found: string) => never

const failure =
  (file: string, tensor: string): Fail =>
  (expected, found) => {
    throw new WeightsError(file, { tensor, expected, found })
  }

/**
 * The length of a header in bytes.
 *
 * @param start the first `npyStart` bytes of the array's file, or all
 * @throws WeightsError where no NPY file begins so
 */
export function npyHeaderLength(start: Uint8Array, file: string, tensor: string): number {
  const fail = failure(file, tensor)
  const version = npyVersion(start, fail)
  if (start.length < npyStart) return fail(`${npyStart} bytes or more of NPY`, `${start.length}`)
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > longestText) return fail(`an NPY header of at most ${longestText} bytes`, `${length} announced`)
  return textBegin[version] + length
}

function npyVersion(start: Uint8Array, fail: Fail): Version {
  const isNpy = start.length >= magic.length + 2 && magic.every((byte, i) => start[i] === byte)
  if (!isNpy) return fail('an array in the NPY format', 'something else')
  const [major, minor] = [start[magic.length]!, start[magic.length + 1]!]
  if (!(major in textBegin) || minor !== 0) return fail('version 1.0, 2.0 or 3.0 of NPY', `${major}.${minor}`)
  return major as Version
}

/**
 * Parses and checks a header: nothing but `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` is taken, whatever
 * else Python may evaluate.
 *
 * @param bytes the first `npyHeaderLength` bytes of the array's file
 * @throws WeightsError where it is not valid, or the elements have a type that is not read
 */
export function parseNpyHeader(bytes: Uint8Array, file: string, tensor: string): NpyHeader {
  const fail = failure(file, tensor)
  const version = npyVersion(bytes, fail)
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(textBegin[version]))
  if (/'descr'\s*:\s*\[/.test(text)) return fail('elements that are numbers', 'records of several fields')
  const fields = parsePythonDict(text)
  const descr = fields?.get('descr')
  const isFortranOrder = fields?.get('fortran_order')
  const shape = fields?.get('shape')
  const isHeader = typeof descr === 'string' && typeof isFortranOrder === 'boolean' && Array.isArray(shape)
  if (!isHeader || fields?.size !== 3) {
    return fail(`a header such as ${headerText('<f4', [2, 3])}`, JSON.stringify(text.trim().slice(0, 200)))
  }
  const { storedType, isBigEndian } = parseType(descr, fail)
  checkSize(shape, storedType, fail)
  return { storedType, isBigEndian, isFortranOrder, shape, length: bytes.length }
}

/** A type such as `<f4`: the order of its bytes (`|` where there is one byte), the kind and the size of its elements. */
function parseType(descr: string, fail: Fail): Pick<NpyHeader, 'storedType' | 'isBigEndian'> {
  const [order, type] = [descr.slice(0, 1), descr.slice(1)]
  const storedType = isNumpyType(type) ? numpyTypes[type] : undefined
  const orders = storedType !== undefined && elementSizes[storedType] > 1 ? '<>' : '<>|'
  if (storedType !== undefined && orders.includes(order)) return { storedType, isBigEndian: order === '>' }
  return fail(`elements of a type of ${Object.keys(numpyTypes).join(', ')}`, describeType(descr))
}

function isNumpyType(type: string): type is keyof typeof numpyTypes {
  return Object.hasOwn(numpyTypes, type)
}

function describeType(descr: string): string {
  const quoted = JSON.stringify(descr.slice(0, 60))
  if (descr === '|O') return `${quoted}, Python objects as a pickle, which could run code and is never loaded`
  if (descr.startsWith('|V')) return `${quoted}, bytes without a type, as NumPy saves bfloat16; save it as float32`
  if (/^[<>|][US]/.test(descr)) return `${quoted}, text`
  return quoted
}

/** The size in bytes must be an integer that a number holds exactly, also on the way to it. */
function checkSize(shape: readonly number[], storedType: ElementType, fail: Fail): void {
  let bytes: number = elementSizes[storedType]
  for (const size of shape) {
    bytes *= size
    if (!Number.isSafeInteger(bytes))
      fail('a shape whose size in bytes is below 2^53', `[${shape.join(', ')}]`.slice(0, 200))
  }
}

/**
 * The header of an array in row-major order, as NumPy writes it: version 1.0, padded to a multiple of 64 bytes.
 */
export function encodeNpyHeader(dtype: StateDictDtype, shape: readonly number[]): Uint8Array {
  const text = headerText(writtenTypes[dtype], shape)
  const length = Math.ceil((textBegin[1] + text.length + 1) / alignment) * alignment
  const header = new Uint8Array(length).fill(0x20)
  header.set([...magic, 1, 0])
  new DataView(header.buffer).setUint16(8, length - textBegin[1], true)
  header.set(new TextEncoder().encode(text), textBegin[1])
  header[length - 1] = 0x0a
  return header
}

function headerText(descr: string, shape: readonly number[]): string {
  const tuple = shape.length === 1 ? `(${shape[0]!},)` : `(${shape.join(', ')})`
  return `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
}
