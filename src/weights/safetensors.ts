import { WeightsError } from '../device/errors.js'
import { bfloat16ToFloat32, halfToFloat32 } from './float-formats.js'
import {
  lengthBytes,
  longestHeader,
  parseSafetensorsHeader,
  safetensorsDtypes,
  type SafetensorsDtype,
  type SafetensorsEntry,
} from './safetensors-header.js'
import { elementCount, type NamedArray, type StateDict, type StateDictDtype, type WeightsFile } from './state-dict.js'

/**
 * Reads the content of a safetensors file (https://github.com/huggingface/safetensors). F16, BF16 and F64 become
 * float32 (an F64 beyond its range becomes infinite), I8, I16 and U16 become int32; the rest keeps its type.
 *
 * Data that is aligned is not copied: those arrays are views on `bytes`, which the caller must leave unchanged.
 *
 * @param bytes the whole file
 * @param file what errors call it
 * @returns the tensors, in the order of their data in the file
 * @throws WeightsError where the file is not valid; it names the file and the tensor
 */
export function parseSafetensors(bytes: Uint8Array, file: string): StateDict {
  return parseSafetensorsFile(bytes, file).stateDict
}

/** What `parseSafetensors` reads, and the free-form `__metadata__` of the file with it. */
export function parseSafetensorsFile(bytes: Uint8Array, file: string): WeightsFile {
  const { entries, metadata } = parseSafetensorsHeader(bytes, file)
  return { stateDict: new Map(entries.map((entry) => [entry.name, decode(bytes, entry)])), metadata }
}

/** Only the `__metadata__` of a safetensors file; the header is checked as `parseSafetensors` does, no data is read. */
export function readSafetensorsMetadata(bytes: Uint8Array, file: string): Record<string, string> {
  return parseSafetensorsHeader(bytes, file).metadata
}

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
  const chunks = safetensorsChunks(tensors, metadata, file)
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** What `encodeSafetensors` writes, as pieces: the header, then a view on each tensor's data, so that nothing is copied. */
export function safetensorsChunks(
  tensors: StateDict,
  metadata: Readonly<Record<string, string>> = {},
  file = 'safetensors',
): Uint8Array[] {
  const entries = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || (nameA < nameB ? -1 : nameA > nameB ? 1 : 0),
  )
  // Pairs and not an object: an object would move names that look like numbers to the front and lose "__proto__".
  const fields: string[] = []
  const texts = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, text] of texts) {
    if (typeof text !== 'string') {
      throw new WeightsError(file, { expected: `a string for the metadata "${key}"`, found: `a ${typeof text}` })
    }
  }
  if (texts.length > 0) fields.push(`"__metadata__":{${texts.map(([k, v]) => `${quote(k)}:${quote(v)}`).join(',')}}`)
  const chunks: Uint8Array[] = []
  let offset = 0
  for (const [name, array] of entries) {
    checkWritable(name, array, file)
    const { buffer, byteOffset, byteLength } = array.data
    const dtype = writtenDtypes[array.dtype]
    const range = `[${offset},${offset + byteLength}]`
    fields.push(`${quote(name)}:{"dtype":"${dtype}","shape":[${array.shape.join(',')}],"data_offsets":${range}}`)
    chunks.push(new Uint8Array(buffer, byteOffset, byteLength))
    offset += byteLength
  }
  return [encodeHeader(`{${fields.join(',')}}`, file), ...chunks]
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
function encodeHeader(json: string, file: string): Uint8Array {
  const text = new TextEncoder().encode(json)
  const padded = Math.ceil(text.length / 8) * 8
  if (padded > longestHeader) {
    throw new WeightsError(file, { expected: `a header of at most ${longestHeader} bytes`, found: `${padded} bytes` })
  }
  const header = new Uint8Array(lengthBytes + padded).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true)
  header.set(text, lengthBytes)
  return header
}

function checkWritable(name: string, array: NamedArray, file: string): void {
  if (name === '__metadata__') {
    throw new WeightsError(file, { tensor: name, expected: 'a name that the format leaves free', found: 'its own' })
  }
  const { shape, dtype, data } = array
  const bytesPerElement = safetensorsDtypes[writtenDtypes[dtype]]
  const isShape = shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  if (!isShape || elementCount(shape) !== data.length || data.BYTES_PER_ELEMENT !== bytesPerElement) {
    throw new WeightsError(file, {
      tensor: name,
      expected: `${elementCount(shape)} elements of ${dtype} for the shape [${shape.join(', ')}]`,
      found: `${data.constructor.name} of ${data.length}`,
    })
  }
}

/** Safetensors is little-endian, and so is every platform that runs WebGPU: typed arrays read the data as it is. */
function decode(bytes: Uint8Array, { dtype, shape, begin, end }: SafetensorsEntry): NamedArray {
  const length = (end - begin) / safetensorsDtypes[dtype]
  switch (dtype) {
    case 'F32':
      return { shape, dtype: 'float32', data: view(Float32Array, bytes, begin, length) }
    case 'F64':
      return { shape, dtype: 'float32', data: Float32Array.from(view(Float64Array, bytes, begin, length)) }
    case 'F16':
      return { shape, dtype: 'float32', data: halfToFloat32(view(Uint16Array, bytes, begin, length)) }
    case 'BF16':
      return { shape, dtype: 'float32', data: bfloat16ToFloat32(view(Uint16Array, bytes, begin, length)) }
    case 'I64':
      return { shape, dtype: 'int64', data: view(BigInt64Array, bytes, begin, length) }
    case 'I32':
      return { shape, dtype: 'int32', data: view(Int32Array, bytes, begin, length) }
    case 'I16':
      return { shape, dtype: 'int32', data: Int32Array.from(view(Int16Array, bytes, begin, length)) }
    case 'U16':
      return { shape, dtype: 'int32', data: Int32Array.from(view(Uint16Array, bytes, begin, length)) }
    case 'I8':
      return { shape, dtype: 'int32', data: Int32Array.from(view(Int8Array, bytes, begin, length)) }
    case 'U8':
      return { shape, dtype: 'uint8', data: view(Uint8Array, bytes, begin, length) }
    case 'BOOL':
      return { shape, dtype: 'bool', data: view(Uint8Array, bytes, begin, length) }
  }
}

interface TypedArrayClass<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T
}

/** A view where the data is aligned, else a copy; `begin` is in bytes, `length` in elements. */
function view<T>(type: TypedArrayClass<T>, bytes: Uint8Array, begin: number, length: number): T {
  const byteOffset = bytes.byteOffset + begin
  if (byteOffset % type.BYTES_PER_ELEMENT === 0) return new type(bytes.buffer, byteOffset, length)
  const copy = new Uint8Array(length * type.BYTES_PER_ELEMENT) // not bytes.slice(), which copies nothing for a Buffer
  copy.set(bytes.subarray(begin, begin + copy.length))
  return new type(copy.buffer, 0, length)
}
