/** What all writers need: state dicts as if they were files, and checks that an array is what it says. */
import { WeightsError } from '../device/errors.js'
import type { NamedArray, StateDict, StoredArray } from '../nn/state-dict.js'
import { elementSizes } from './element-types.js'
import { elementCount } from './weights-file.js'

/** Arrays in memory as stored ones; stored ones as they are. */
export function storedArrays(tensors: StateDict | ReadonlyMap<string, StoredArray>): Map<string, StoredArray> {
  return new Map(
    [...tensors].map(([name, array]) => {
      if ('read' in array) return [name, array]
      const { shape, dtype } = array
      return [name, { shape, dtype, read: () => Promise.resolve(array) }]
    }),
  )
}

/** The elements of an array as they lie in memory; a view. */
export function bytesOf({ data: { buffer, byteOffset, byteLength } }: NamedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/**
 * Throws a `WeightsError` unless an array has the shape and type that were announced, and data of that size.
 *
 * @param announced what was said of it before it was read
 */
export function checkArray(
  tensor: string,
  { data, shape, dtype }: NamedArray,
  announced: Pick<NamedArray, 'shape' | 'dtype'>,
  file: string,
): void {
  const isShape = shape.every((size, i) => Number.isSafeInteger(size) && size >= 0 && size === announced.shape[i])
  const fits = elementCount(shape) === data.length && data.BYTES_PER_ELEMENT === elementSizes[dtype]
  if (isShape && fits && shape.length === announced.shape.length && dtype === announced.dtype) return
  throw new WeightsError(file, {
    tensor,
    expected: `${elementCount(announced.shape)} elements of ${announced.dtype} for the shape [${announced.shape.join(', ')}]`,
    found: `${data.constructor.name} of ${data.length}`,
  })
}
