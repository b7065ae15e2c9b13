import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { decode, decodedTypes, elementSizes } from '../element-types.js'
import { emptyMetadata, storedBytes, type StoredTensor, type WeightsFile } from '../weights-file.js'
import { openZip, type ZipEntry } from '../zip.js'
import { swapBytes, toRowMajor } from './element-order.js'
import { npyHeaderLength, npyStart, type NpyHeader, parseNpyHeader } from './header.js'

/** Most headers have 128 bytes: one read is enough for them. */
const likelyHeader = 256

/**
 * Opens an `.npz` archive (`numpy.savez`, `numpy.savez_compressed`): a zip archive of NPY files, one for each array, named
 * `<name>.npy` (https://numpy.org/doc/stable/reference/generated/numpy.savez.html). All headers are read and checked at
 * once, each array when it is asked for, with its CRC-32. Big-endian arrays and those in Fortran order are rearranged.
 * Pickled objects are refused, as `numpy.load` does without `allow_pickle`.
 *
 * @throws WeightsError where the file is not valid, or an array is of a type that is not read
 */
export async function openNpz(source: ByteSource): Promise<WeightsFile> {
  const tensors = new Map<string, StoredTensor>()
  for (const [entryName, entry] of await openZip(source)) {
    const tensor = tensorName(entryName, source.name)
    tensors.set(tensor, await openArray(entry, source.name, tensor))
  }
  return { file: source.name, format: 'numpy', tensors, metadata: emptyMetadata(), close: () => source.close() }
}

function tensorName(entryName: string, file: string): string {
  if (entryName.endsWith('.npy')) return entryName.slice(0, -'.npy'.length)
  const found = JSON.stringify(entryName.slice(0, 100))
  throw new WeightsError(file, { expected: 'an archive of arrays, whose names end in .npy', found })
}

async function openArray(entry: ZipEntry, file: string, tensor: string): Promise<StoredTensor> {
  const header = await readHeader(entry, file, tensor)
  const { shape, storedType } = header
  const expected = storedBytes(header)
  const found = entry.size - header.length
  if (found !== expected) {
    const what = `${expected} bytes for ${storedType} [${shape.join(', ').slice(0, 200)}]`
    throw new WeightsError(file, { tensor, expected: what, found: `${found} behind the header` })
  }
  const read = async () =>
    decode(inMemoryOrder((await entry.read()).subarray(header.length), header), storedType, shape)
  return { shape, storedType, dtype: decodedTypes[storedType], read }
}

async function readHeader(entry: ZipEntry, file: string, tensor: string): Promise<NpyHeader> {
  const start = await entry.readPart(0, Math.min(likelyHeader, entry.size))
  const length = npyHeaderLength(start.subarray(0, npyStart), file, tensor)
  if (length > entry.size) {
    throw new WeightsError(file, {
      tensor,
      expected: `a header of ${length} bytes`,
      found: `${entry.size} bytes in all`,
    })
  }
  const bytes = length <= start.length ? start.subarray(0, length) : await entry.readPart(0, length)
  return parseNpyHeader(bytes, file, tensor)
}

/** Little-endian and row-major; a view where the elements are so already. */
function inMemoryOrder(bytes: Uint8Array, { shape, storedType, isBigEndian, isFortranOrder }: NpyHeader): Uint8Array {
  const elementSize = elementSizes[storedType]
  const littleEndian = isBigEndian && elementSize > 1 ? swapBytes(bytes, elementSize) : bytes
  return isFortranOrder && shape.length > 1 ? toRowMajor(littleEndian, shape, elementSize) : littleEndian
}
