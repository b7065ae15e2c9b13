import type { StoredArray } from '../nn/state-dict.js'
import { elementSizes, type ElementType } from './element-types.js'

/** The formats that are read. */
export type WeightsFormat = 'safetensors' | 'pytorch' | 'numpy' | 'keras' | 'onnx'

/** A tensor in a weights file: what it is, and a way to read it. */
export interface StoredTensor extends StoredArray {
  /** The type of its elements in the file; `dtype` is what `read()` makes of it. */
  readonly storedType: ElementType
}

/** An open weights file. Its tensors can be read, one at a time or all at once, until it is closed. */
export interface WeightsFile {
  readonly file: string
  readonly format: WeightsFormat
  /** By torchvision's names (where the format has others, they are translated), in the order of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Free-form strings, such as safetensors' `__metadata__`; empty where there are none, without prototype. */
  readonly metadata: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** The number of elements of a shape; 1 for a scalar (`[]`). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** The size of a tensor in bytes, as it is stored. */
export function storedBytes({ shape, storedType }: Pick<StoredTensor, 'shape' | 'storedType'>): number {
  return elementCount(shape) * elementSizes[storedType]
}

/** Metadata without prototype, so that no name in a file can stand for something else. */
export function emptyMetadata(): Record<string, string> {
  return Object.create(null) as Record<string, string>
}
