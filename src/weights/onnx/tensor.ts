/** TensorProto of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: what a tensor is, and a way to read it. */
import { WeightsError } from '../../device/errors.js'
import { decode, decodedTypes, elementSizes, type ElementType } from '../element-types.js'
import { elementCount, type StoredTensor } from '../weights-file.js'
import type { ExternalData } from './external-data.js'
import { locateData, type StoredData } from './tensor-data.js'
import type { ProtobufFile, Range } from './wire.js'

/** By TensorProto.DataType. Those that are missing are text, complex numbers, 4-bit types and larger unsigned integers. */
const elementTypes: Readonly<Record<number, ElementType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  16: 'bfloat16',
  17: 'float8_e4m3fn',
  19: 'float8_e5m2',
}

/** NumPy has no more, and no layer more than 5. */
const mostDimensions = 32

/**
 * Reads a TensorProto, and of its data only where it lies.
 *
 * @throws WeightsError where it is not valid, or its data is not as much as the shape needs
 */
export async function readTensor(
  file: ProtobufFile,
  message: Range,
  externalData: ExternalData,
): Promise<{ name: string; tensor: StoredTensor }> {
  const { name, shape, dataType, data } = await readFields(file, message)
  const fail = (expected: string, found: string): never => {
    throw new WeightsError(file.source.name, { tensor: name, expected, found })
  }
  const storedType = elementTypes[dataType] ?? fail('floats or integers', `ONNX's data type ${dataType}`)
  if (shape.length > mostDimensions) fail(`at most ${mostDimensions} dimensions`, `${shape.length}`)
  const isShape = shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  if (!isShape || !Number.isSafeInteger(elementCount(shape) * elementSizes[storedType])) {
    fail('a shape of integers, none negative, whose size in bytes is below 2^53', `[${shape.join(', ')}]`)
  }
  const readBytes = await locateData(file, data, { name, storedType, count: elementCount(shape) }, externalData)
  const read = async (scratch?: Uint8Array<ArrayBuffer>) => decode(await readBytes(scratch), storedType, shape)
  return { name, tensor: { shape, storedType, dtype: decodedTypes[storedType], read } }
}

interface TensorFields {
  readonly name: string
  readonly shape: readonly number[]
  readonly dataType: number
  readonly data: StoredData
}

async function readFields(file: ProtobufFile, message: Range): Promise<TensorFields> {
  const shape: number[] = []
  let [name, dataType, location] = ['', 0, 0]
  const pieces = new Map<number, Range[]>()
  const externalEntries = new Map<string, string>()
  for await (const field of file.fields(message)) {
    switch (field.number) {
      case 1:
        for (const size of await file.integers(field)) shape.push(size)
        break
      case 2:
        dataType = await file.integer(field)
        break
      case 3:
        throw new WeightsError(file.source.name, {
          tensor: name,
          expected: 'a whole tensor',
          found: 'a segment of one',
        })
      case 4: // float_data
      case 5: // int32_data
      case 7: // int64_data
      case 9: // raw_data
      case 10: // double_data
        pieces.set(field.number, pieces.get(field.number) ?? [])
        pieces.get(field.number)!.push(field)
        break
      case 8:
        name = await file.text(field)
        break
      case 13: {
        const [key, value] = await readEntry(file, file.message(field))
        externalEntries.set(key, value)
        break
      }
      case 14:
        location = await file.integer(field)
    }
  }
  return { name, shape, dataType, data: { pieces, externalEntries, isExternal: location === 1 } }
}

/** A StringStringEntryProto. */
async function readEntry(file: ProtobufFile, message: Range): Promise<[key: string, value: string]> {
  const entry: [string, string] = ['', '']
  for await (const field of file.fields(message)) {
    if (field.number === 1 || field.number === 2) entry[field.number - 1] = await file.text(field)
  }
  return entry
}
