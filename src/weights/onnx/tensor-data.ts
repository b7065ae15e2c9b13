/** Where the data of an ONNX tensor lies, and how it becomes elements as they lie in memory. */
import { WeightsError } from '../../device/errors.js'
import { elementSizes, type ElementType } from '../element-types.js'
import type { ExternalData } from './external-data.js'
import type { ProtobufFile, Range } from './wire.js'

/** Where a TensorProto says that its data is. */
export interface StoredData {
  /** By the number of the field; a packed field may come in pieces, one that is not packed comes in single elements. */
  readonly pieces: ReadonlyMap<number, readonly Range[]>
  readonly externalEntries: ReadonlyMap<string, string>
  readonly isExternal: boolean
}

interface Elements {
  readonly name: string
  readonly storedType: ElementType
  readonly count: number
}

type ReadBytes = (scratch?: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>

const rawData = 9
const dataFields: Readonly<Record<number, string>> = {
  4: 'float_data',
  5: 'int32_data',
  7: 'int64_data',
  9: 'raw_data',
  10: 'double_data',
}

/** The field of a type's elements where they are not in `raw_data`; int32_data has all small types, floats as their bits. */
function typedField(storedType: ElementType): number {
  const fields: Partial<Record<ElementType, number>> = { float32: 4, int64: 7, float64: 10 }
  return fields[storedType] ?? 5
}

const longestVarint = 10

/**
 * Finds a tensor's data without reading it.
 *
 * @returns reads it; throws WeightsError as well
 * @throws WeightsError where there is none, too little or too much of it
 */
export async function locateData(
  file: ProtobufFile,
  { pieces, externalEntries, isExternal }: StoredData,
  elements: Elements,
  externalData: ExternalData,
): Promise<ReadBytes> {
  const { name, storedType, count } = elements
  const bytes = count * elementSizes[storedType]
  const fail = (expected: string, found: string): never => {
    throw new WeightsError(file.source.name, { tensor: name, expected, found })
  }
  const places = [...[...pieces.keys()].map((field) => dataFields[field]!), ...(isExternal ? ['external data'] : [])]
  if (places.length > 1) fail('data in one place', places.join(' and '))
  if (isExternal) {
    const { source, begin, end } = await externalData.find(name, externalEntries, bytes)
    return (scratch) => source.read(begin, end, scratch)
  }
  const [field, ranges] = [...pieces][0] ?? [rawData, []]
  if (field !== rawData && field !== typedField(storedType)) {
    fail(`${storedType} in ${dataFields[typedField(storedType)]} or raw_data`, dataFields[field]!)
  }
  const held = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0)
  const isVarints = field === 5 || field === 7
  const fits = isVarints ? held >= count && held <= count * longestVarint : held === bytes
  const needed = isVarints ? `${count} numbers` : `${bytes} bytes`
  if (!fits) fail(`${needed} for ${count} elements of ${storedType}`, `${held} bytes`)
  const read: ReadBytes = (scratch) => readPieces(file, ranges, held, scratch)
  return isVarints ? async (scratch) => fromVarints(file, await read(scratch), elements) : read
}

/** The bytes of all pieces behind each other. */
async function readPieces(
  { source }: ProtobufFile,
  pieces: readonly Range[],
  length: number,
  scratch?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  if (pieces.length === 1) return source.read(pieces[0]!.begin, pieces[0]!.end, scratch)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const { begin, end } of pieces) {
    bytes.set(await source.read(begin, end), at)
    at += end - begin
  }
  return bytes
}

/** Numbers in protobuf's variable length -> elements; the bits that a type has no place for are cut off, as in ONNX. */
function fromVarints(file: ProtobufFile, varints: Uint8Array, { name, storedType, count }: Elements): Uint8Array {
  const size = elementSizes[storedType]
  const bytes = new Uint8Array(count * size)
  const view = new DataView(bytes.buffer)
  let found = 0
  file.varints(varints, (low, high) => {
    const at = found++ * size
    if (found > count) return
    if (size === 1) view.setInt8(at, low)
    if (size === 2) view.setInt16(at, low, true)
    if (size >= 4) view.setInt32(at, low, true)
    if (size === 8) view.setInt32(at + 4, high, true)
  })
  if (found === count) return bytes
  throw new WeightsError(file.source.name, { tensor: name, expected: `${count} numbers`, found: `${found}` })
}
