import { WeightsError } from '../../device/errors.js'
import type { NamedArray } from '../../nn/state-dict.js'
import { decode, elementSizes } from '../element-types.js'
import { elementCount } from '../weights-file.js'
import type { Hdf5Dataset } from './datasets.js'
import type { Box, Hdf5File } from './hdf5-file.js'
import { type Layout, scatter } from './layout.js'

/** In bytes. Beside the result there is never more in memory. */
const largestPiece = 16 * 1024 * 1024

type Float32NamedArray = Extract<NamedArray, { dtype: 'float32' }>

/**
 * Reads a dataset, piece by piece, into another layout.
 *
 * @throws WeightsError where it cannot be read
 */
export function readDataset(
  file: Hdf5File,
  { path, shape, storedType }: Hdf5Dataset,
  layout: Layout,
): Float32NamedArray {
  const size = elementSizes[storedType]
  const data = allocate(elementCount(shape), path, file)
  let start = 0
  for (const box of pieces(shape, largestPiece / size)) {
    const elements = elementCount(box.count)
    file.readBox(path, box, elements * size, (bytes) => {
      const values = decode(bytes, storedType, [elements]).data as Float32Array // all floats become float32
      scatter(values, start, layout, data)
    })
    start += elements
  }
  return { shape: layout.shape, dtype: 'float32', data }
}

function allocate(elements: number, path: string, file: Hdf5File): Float32Array {
  try {
    return new Float32Array(elements)
  } catch {
    throw new WeightsError(file.name, {
      tensor: path.slice(1),
      expected: 'a tensor that fits into memory',
      found: `${elements} elements`,
    })
  }
}

/**
 * Boxes that are one run of elements each, in the order of the file, and together all of an array.
 *
 * @param most how many elements a box may have
 */
export function* pieces(shape: readonly number[], most: number): Generator<Box, void> {
  if (elementCount(shape) <= most) {
    if (elementCount(shape) > 0) yield { offset: shape.map(() => 0), count: shape }
    return
  }
  const [size, ...rest] = shape as [number, ...number[]] // a scalar is one piece
  const rows = Math.floor(most / elementCount(rest))
  for (let row = 0; row < size; row += Math.max(rows, 1)) {
    if (rows > 0) yield { offset: [row, ...rest.map(() => 0)], count: [Math.min(rows, size - row), ...rest] }
    else for (const { offset, count } of pieces(rest, most)) yield { offset: [row, ...offset], count: [1, ...count] }
  }
}
