import type { NamedArray } from '../nn/state-dict.js'
import type { ElementType } from './element-types.js'
import { storedBytes, type WeightsFile } from './weights-file.js'

/** What `inspectTensors` finds out about one tensor. */
export interface TensorDescription {
  readonly name: string
  readonly shape: readonly number[]
  /** The type of the elements in the file. */
  readonly type: ElementType
  /** Its size in the file. */
  readonly bytes: number
  /** The square root of the sum of the squares of all finite elements. */
  readonly norm: number
  /** How many elements are NaN or infinite (as float32). */
  readonly nonFinite: number
}

/** Reads the tensors of an open file, one at a time, and describes each. Throws `WeightsError` where one is damaged. */
export async function* inspectTensors(opened: WeightsFile): AsyncGenerator<TensorDescription, void> {
  for (const [name, tensor] of opened.tensors) {
    const { shape, storedType: type } = tensor
    yield { name, shape, type, bytes: storedBytes(tensor), ...measure(await tensor.read()) }
  }
}

function measure({ data }: NamedArray): { norm: number; nonFinite: number } {
  let squares = 0
  let nonFinite = 0
  for (const element of data) {
    const value = Number(element)
    if (Number.isFinite(value)) squares += value * value
    else nonFinite++
  }
  return { norm: Math.sqrt(squares), nonFinite }
}
