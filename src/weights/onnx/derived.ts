/** Tensors that are computed from those of a file, when they are read. */
import type { NamedArray } from '../../nn/state-dict.js'
import { elementCount, type StoredTensor } from '../weights-file.js'

/** A tensor with the same value everywhere. */
export function filled(length: number, value: number): StoredTensor {
  const shape = [length]
  const read = () =>
    Promise.resolve<NamedArray>({ shape, dtype: 'float32', data: new Float32Array(length).fill(value) })
  return { shape, storedType: 'float32', dtype: 'float32', read }
}

/** A tensor with one element, many times. */
export function repeated(tensor: StoredTensor, length: number): StoredTensor {
  const shape = [length]
  const read = async (): Promise<NamedArray> => {
    return { shape, dtype: 'float32', data: new Float32Array(length).fill((await floats(tensor))[0]!) }
  }
  return { ...tensor, shape, read }
}

/** The same elements in another shape. */
export function reshaped(tensor: StoredTensor, shape: readonly number[]): StoredTensor {
  return { ...tensor, shape, read: async (scratch) => ({ ...(await tensor.read(scratch)), shape }) }
}

/** `map` of each element, rounded to float32. */
export function mapped(tensor: StoredTensor, map: (value: number) => number): StoredTensor {
  const read = async (scratch?: Uint8Array<ArrayBuffer>): Promise<NamedArray> => {
    return { shape: tensor.shape, dtype: 'float32', data: (await floats(tensor, scratch)).map(map) }
  }
  return { ...tensor, read }
}

/** a - b, element by element. */
export function difference(a: StoredTensor, b: StoredTensor): StoredTensor {
  const read = async (): Promise<NamedArray> => {
    const subtrahend = await floats(b)
    return { shape: a.shape, dtype: 'float32', data: (await floats(a)).map((value, i) => value - subtrahend[i]!) }
  }
  return { ...a, read }
}

/** [rows, columns] -> [columns, rows]. */
export function transposed(tensor: StoredTensor): StoredTensor {
  const [rows, columns] = tensor.shape as [number, number]
  const shape = [columns, rows]
  const read = async (scratch?: Uint8Array<ArrayBuffer>): Promise<NamedArray> => {
    const data = await floats(tensor, scratch)
    const result = new Float32Array(elementCount(shape))
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column]!
    }
    return { shape, dtype: 'float32', data: result }
  }
  return { ...tensor, shape, read }
}

/** Only tensors of floats get here: `Walk.parameter` lets no others through. */
async function floats(tensor: StoredTensor, scratch?: Uint8Array<ArrayBuffer>): Promise<Float32Array> {
  return (await tensor.read(scratch)).data as Float32Array
}
