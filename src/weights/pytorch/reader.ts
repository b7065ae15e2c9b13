import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { decode, decodedTypes, elementSizes } from '../element-types.js'
import { extentOf, gatherElements, isContiguous } from '../strided.js'
import { elementCount, emptyMetadata, type StoredTensor, type WeightsFile } from '../weights-file.js'
import { openLegacyFormat } from './legacy-format.js'
import { findStateDict } from './state-dict.js'
import type { Storages } from './storages.js'
import { type PickledTensor, pickledTensor } from './tensors.js'
import { openZipFormat } from './zip-format.js'

/** A tensor may be larger than its storage, by repeating elements, but not by more than this many bytes. */
const largestRepetition = 64 * 1024 * 1024

/**
 * Opens a file that `torch.save` wrote: a state dict, or a checkpoint with one in it; in the zip format or in that of before
 * PyTorch 1.6 (https://pytorch.org/docs/stable/notes/serialization.html, `torch/serialization.py`). The pickle in it is read
 * as data: whatever it would have called is not called. Tensors that share a storage, or are views with strides, come out
 * as tensors of their own. Parameters count as tensors.
 *
 * @throws WeightsError where the file is not valid, or has no tensors that are read; it names the file and the tensor
 */
export async function openPyTorch(source: ByteSource): Promise<WeightsFile> {
  const start = await source.read(0, Math.min(2, source.size))
  const isZip = start[0] === 0x50 && start[1] === 0x4b
  const storages = await (isZip ? openZipFormat(source) : openLegacyFormat(source))
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of findStateDict(storages.value, source.name)) {
    tensors.set(name, storedTensor(pickledTensor(value, name, source.name), storages, name, source.name))
  }
  return { file: source.name, format: 'pytorch', tensors, metadata: emptyMetadata(), close: () => source.close() }
}

function storedTensor(tensor: PickledTensor, storages: Storages, name: string, file: string): StoredTensor {
  const { type, shape, storage } = tensor
  const elementSize = elementSizes[type]
  const extent = extentOf(tensor)
  checkSizes(tensor, extent, storages, (expected, found) => {
    throw new WeightsError(file, { tensor: name, expected, found })
  })
  const begin = (storage.begin + tensor.offset) * elementSize
  const read = async () => {
    const bytes =
      extent === 0 ? new Uint8Array() : await storages.read(storage.key, begin, begin + extent * elementSize)
    return decode(isContiguous(tensor) ? bytes : gatherElements(bytes, tensor, elementSize), type, shape)
  }
  return { shape, storedType: type, dtype: decodedTypes[type], read }
}

function checkSizes(
  { type, shape, storage, offset }: PickledTensor,
  extent: number,
  storages: Storages,
  fail: (expected: string, found: string) => never,
): void {
  const elementSize = elementSizes[type]
  const found = storages.sizeOf(storage.key)
  if (found === undefined) fail(`the storage ${JSON.stringify(storage.key.slice(0, 60))}`, 'none of this name')
  const bytes = storage.length * (storage.type === undefined ? 1 : elementSize)
  if (bytes !== found) fail(`a storage of ${bytes} bytes`, `${found}; the file is truncated or damaged`)
  const end = (storage.begin + offset + extent) * elementSize
  if (!(end <= bytes)) fail(`elements within the ${bytes} bytes of its storage`, `elements up to byte ${end}`)
  const size = elementCount(shape) * elementSize
  if (!(size <= Math.max(bytes, largestRepetition))) {
    fail(`at most ${Math.max(bytes, largestRepetition)} bytes of a storage of ${bytes}`, `${size} bytes of repetitions`)
  }
}
