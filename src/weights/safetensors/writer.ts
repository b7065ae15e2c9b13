import { WeightsError } from '../../device/errors.js'
import type { NamedArray, StateDict, StateDictDtype, StoredArray } from '../../nn/state-dict.js'
import { elementSizes } from '../element-types.js'
import { bytesOf, checkArray } from '../stored-arrays.js'
import { elementCount } from '../weights-file.js'
import { lengthBytes, longestHeader, type SafetensorsDtype } from './header.js'

/**
 * The bytes of a safetensors file: the same tensors and metadata give the same bytes, whatever their order. Like the
 * official writer it puts larger element types first, so that all data is aligned, and sorts by name within a type.
 *
 * @throws WeightsError where data does not fit its shape or a name cannot be written
 */
export function encodeSafetensors(
  tensors: StateDict,
  metadata: Readonly<Record<string, string>> = {},
  file = 'safetensors',
): Uint8Array {
  const entries = inFileOrder(tensors)
  for (const [name, array] of entries) checkArray(name, array, array, file)
  const pieces = [encodeHeader(entries, metadata, file), ...entries.map(([, array]) => bytesOf(array))]
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/**
 * What `encodeSafetensors` writes, piece by piece: the header, then each tensor, which is read when its turn comes. No
 * more than one of them is in memory.
 */
export async function* safetensorsPieces(
  tensors: ReadonlyMap<string, StoredArray>,
  metadata: Readonly<Record<string, string>> = {},
  file = 'safetensors',
): AsyncGenerator<Uint8Array, void> {
  const entries = inFileOrder(tensors)
  yield encodeHeader(entries, metadata, file)
  for (const [name, stored] of entries) {
    const array = await stored.read()
    checkArray(name, array, stored, file)
    yield bytesOf(array)
  }
}

type Description = Pick<NamedArray, 'shape' | 'dtype'>

function inFileOrder<T extends Description>(tensors: ReadonlyMap<string, T>): [string, T][] {
  return [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      elementSizes[b.dtype] - elementSizes[a.dtype] || (nameA < nameB ? -1 : nameA > nameB ? 1 : 0),
  )
}

const writtenDtypes: Record<StateDictDtype, SafetensorsDtype> = {
  float32: 'F32',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  bool: 'BOOL',
}

const quote = (text: string): string => JSON.stringify(text)

/** The length and the JSON text, padded with spaces so that the data begins at a multiple of 8 bytes. */
function encodeHeader(
  entries: readonly (readonly [string, Description])[],
  metadata: Readonly<Record<string, string>>,
  file: string,
): Uint8Array {
  const text = new TextEncoder().encode(headerText(entries, metadata, file))
  const padded = Math.ceil(text.length / 8) * 8
  if (padded > longestHeader) {
    throw new WeightsError(file, { expected: `a header of at most ${longestHeader} bytes`, found: `${padded} bytes` })
  }
  const header = new Uint8Array(lengthBytes + padded).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true)
  header.set(text, lengthBytes)
  return header
}

/** Written as text and not by JSON.stringify, which would move names like numbers to the front and lose "__proto__". */
function headerText(
  entries: readonly (readonly [string, Description])[],
  metadata: Readonly<Record<string, string>>,
  file: string,
): string {
  const fields: string[] = []
  const texts = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, text] of texts) {
    if (typeof text !== 'string') {
      throw new WeightsError(file, { expected: `a string for the metadata "${key}"`, found: `a ${typeof text}` })
    }
  }
  if (texts.length > 0) fields.push(`"__metadata__":{${texts.map(([k, v]) => `${quote(k)}:${quote(v)}`).join(',')}}`)
  let offset = 0
  for (const [name, { dtype, shape }] of entries) {
    if (name === '__metadata__') {
      throw new WeightsError(file, { tensor: name, expected: 'a name that the format leaves free', found: 'its own' })
    }
    const end = offset + elementCount(shape) * elementSizes[dtype]
    const range = `[${offset},${end}]`
    fields.push(
      `${quote(name)}:{"dtype":"${writtenDtypes[dtype]}","shape":[${shape.join(',')}],"data_offsets":${range}}`,
    )
    offset = end
  }
  return `{${fields.join(',')}}`
}
