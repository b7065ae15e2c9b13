import { WeightsError } from '../../device/errors.js'
import { type ElementType, elementSizes } from '../element-types.js'
import { describeJson, findDuplicateKey, isObject } from '../json.js'

/** The element types of safetensors that Daybreak reads. */
export const safetensorsTypes = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F8_E4M3: 'float8_e4m3fn',
  F8_E5M2: 'float8_e5m2',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  U16: 'uint16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
} as const satisfies Record<string, ElementType>

export type SafetensorsDtype = keyof typeof safetensorsTypes

/** One tensor of a header: `begin` and `end` are byte offsets from the start of the file. */
export interface SafetensorsEntry {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export interface SafetensorsHeader {
  /** In the order of the data in the file. */
  readonly entries: readonly SafetensorsEntry[]
  /** Without a prototype, so that no name in a file can stand for something else. */
  readonly metadata: Record<string, string>
}

/** The bytes before the JSON text: its length as an unsigned 64-bit little-endian integer. */
export const lengthBytes = 8

/** The official implementation refuses longer headers too; it bounds what a hostile file can make us parse. */
export const longestHeader = 100_000_000

/**
 * Reads and checks the header of a safetensors file, by the rules of the official implementation
 * (https://github.com/huggingface/safetensors, `Metadata::validate`): the tensors' ranges must cover the data without
 * overlaps and holes. Stricter than it where a file is ambiguous: duplicate names are refused.
 *
 * @param bytes the file, or its beginning with all of the header
 * @param size the size of the file in bytes
 * @throws WeightsError naming the file, the tensor where one is at fault, what was expected and what was found
 */
export function parseSafetensorsHeader(bytes: Uint8Array, file: string, size = bytes.length): SafetensorsHeader {
  const dataStart = lengthBytes + safetensorsHeaderLength(bytes, file, size)
  const parsed = parseHeaderText(bytes.subarray(lengthBytes, dataStart), file)
  let metadata = Object.create(null) as Record<string, string>
  const entries: SafetensorsEntry[] = []
  // Object.entries lists own properties only: a tensor called "__proto__" is an ordinary one.
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = parseMetadata(value, file)
    else entries.push(parseEntry(name, value, dataStart, file))
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end)
  checkRanges(entries, dataStart, size, file)
  return { entries, metadata }
}

/** The length of the JSON text, from the first bytes of a file of `size` bytes. Throws `WeightsError`. */
export function safetensorsHeaderLength(bytes: Uint8Array, file: string, size: number): number {
  if (bytes.length < lengthBytes) {
    throw new WeightsError(file, {
      expected: `a safetensors file, which begins with the length of its header in ${lengthBytes} bytes`,
      found: bytes.length === 0 ? 'an empty file' : `a file of ${bytes.length} bytes`,
    })
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes)
  const length = view.getBigUint64(0, true)
  if (length < 2n || length > BigInt(longestHeader)) {
    throw new WeightsError(file, {
      expected: `a safetensors header of 2 to ${longestHeader} bytes`,
      found: `a header length of ${length} bytes, which this is not`,
    })
  }
  if (length > BigInt(size - lengthBytes)) {
    throw new WeightsError(file, {
      expected: `a header of ${length} bytes`,
      found: `${size - lengthBytes} bytes after the header's length; the file is truncated`,
    })
  }
  return Number(length)
}

function parseHeaderText(headerBytes: Uint8Array, file: string): object {
  const expected = 'a header that is a JSON object in UTF-8'
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(headerBytes)
  } catch {
    throw new WeightsError(file, { expected, found: 'bytes that are not UTF-8' })
  }
  if (!text.startsWith('{')) {
    throw new WeightsError(file, { expected, found: `a header that begins with ${JSON.stringify(text.slice(0, 8))}` })
  }
  let parsed: object
  try {
    parsed = JSON.parse(text) as object // an object, because the text begins with a brace
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new WeightsError(file, { expected, found: `a header that is not JSON: ${reason.slice(0, 200)}` })
  }
  const duplicate = findDuplicateKey(text)
  if (duplicate !== undefined) {
    throw new WeightsError(file, {
      ...(duplicate.depth === 1 && duplicate.key !== '__metadata__' ? { tensor: duplicate.key } : {}),
      expected: 'every name once in the header',
      found: `the name ${JSON.stringify(duplicate.key)} twice`,
    })
  }
  return parsed
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  const expected = '"__metadata__" to be an object of strings'
  if (!isObject(value)) throw new WeightsError(file, { expected, found: describeJson(value) })
  const metadata = Object.create(null) as Record<string, string>
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new WeightsError(file, { expected, found: `${describeJson(text)} for ${JSON.stringify(key)}` })
    }
    metadata[key] = text
  }
  return metadata
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): SafetensorsEntry {
  const fail = (expected: string, found: string): never => {
    throw new WeightsError(file, { tensor: name, expected, found })
  }
  if (!isObject(value)) return fail('an object with dtype, shape and data_offsets', describeJson(value))
  const { dtype, shape, data_offsets: offsets } = value
  if (!isKnownDtype(dtype)) {
    return fail(`a dtype of ${Object.keys(safetensorsTypes).join(', ')}`, describeJson(dtype))
  }
  if (!isListOfSizes(shape)) return fail('a shape of integers, none negative', describeJson(shape))
  const bytes = byteSize(shape, elementSizes[safetensorsTypes[dtype]])
  if (bytes === undefined) return fail('a shape whose size in bytes is below 2^53', describeJson(shape))
  if (!isListOfSizes(offsets) || offsets.length !== 2) {
    return fail('data_offsets of two integers, none negative', describeJson(offsets))
  }
  const [begin, end] = offsets as [number, number]
  if (begin > end) return fail('data_offsets whose begin is not after their end', `[${begin}, ${end}]`)
  if (end - begin !== bytes) {
    return fail(`${bytes} bytes for ${dtype} ${describeJson(shape)}`, `data_offsets of ${end - begin} bytes`)
  }
  return { name, dtype, shape, begin: dataStart + begin, end: dataStart + end }
}

/** The ranges, sorted, must lie in the file and touch each other from the first byte of the data to the last. */
function checkRanges(entries: readonly SafetensorsEntry[], dataStart: number, size: number, file: string): void {
  let covered = dataStart
  let previous: SafetensorsEntry | undefined
  for (const entry of entries) {
    const range = `bytes ${entry.begin} to ${entry.end}`
    if (entry.end > size) {
      throw new WeightsError(file, {
        tensor: entry.name,
        expected: `${range} of the file`,
        found: `a file of ${size} bytes; it is truncated, or its header is wrong`,
      })
    }
    if (entry.begin < covered) {
      throw new WeightsError(file, {
        tensor: entry.name,
        expected: 'data of its own',
        found: `${range}, which overlap those of "${previous?.name}", ${previous?.begin} to ${previous?.end}`,
      })
    }
    if (entry.begin > covered) {
      throw new WeightsError(file, {
        tensor: entry.name,
        expected: `data from byte ${covered}, where the one before ends`,
        found: `${range}, which leaves a hole of ${entry.begin - covered} bytes`,
      })
    }
    covered = entry.end
    previous = entry
  }
  if (covered !== size) {
    throw new WeightsError(file, {
      expected: `a file of ${covered} bytes, where its last tensor ends`,
      found: `${size - covered} bytes more, which belong to no tensor`,
    })
  }
}

/** The size of a tensor in bytes, or undefined where it leaves the integers that a number holds exactly. */
function byteSize(shape: readonly number[], bytesPerElement: number): number | undefined {
  let bytes = bytesPerElement
  for (const size of shape) {
    bytes *= size
    if (!Number.isSafeInteger(bytes)) return undefined
  }
  return bytes
}

function isKnownDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && Object.hasOwn(safetensorsTypes, value)
}

function isListOfSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
}
