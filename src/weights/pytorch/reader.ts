import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { decode, decodedTypes, elementSizes } from '../element-types.js'
import { extentOf, gatherElements, isContiguous } from '../strided.js'
import { elementCount, emptyMetadata, type StoredTensor, type WeightsFile } from '../weights-file.js'
import { openLegacyFormat } from './legacy-format.js'
import { findStateDict } from './state-dict.js'
import type { Fail } from './storage-reference.js'
import type { Storages } from './storages.js'
import { type PickledTensor, pickledTensor } from './tensors.js'
import { openZipFormat } from './zip-format.js'

/**
 * Tensors may share elements (tied weights) and repeat them (`expand`), so a small file may describe endless ones. All of
 * them together may have, and reading them may go through, this many bytes for each byte of the file, and some more.
 */
const largestGrowth = 32
const smallestAllowance = 64 * 1024 * 1024

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
  const tensors = readableTensors(storages, source)
  return { file: source.name, format: 'pytorch', tensors, metadata: emptyMetadata(), close: () => source.close() }
}

function readableTensors(storages: Storages, { name: file, size }: ByteSource): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>()
  const allowed = smallestAllowance + largestGrowth * size
  let effort = 0
  for (const [name, value] of findStateDict(storages.value, file)) {
    const fail = (expected: string, found: string): never => {
      throw new WeightsError(file, { tensor: name, expected, found })
    }
    const tensor = pickledTensor(value, fail)
    checkPlace(tensor, storages, fail)
    effort += effortOf(tensor, storages)
    if (!(effort <= allowed)) {
      fail(`at most ${allowed} bytes in all tensors of a file of this size`, `${effort} or more, by repetitions`)
    }
    tensors.set(name, storedTensor(tensor, storages))
  }
  return tensors
}

function storedTensor(tensor: PickledTensor, storages: Storages): StoredTensor {
  const { type, shape, storage } = tensor
  const { begin, end } = rangeOf(tensor)
  const read = async () => {
    const bytes = begin === end ? new Uint8Array() : await storages.read(storage.key, begin, end)
    return decode(isContiguous(tensor) ? bytes : gatherElements(bytes, tensor, elementSizes[type]), type, shape)
  }
  return { shape, storedType: type, dtype: decodedTypes[type], read }
}

/** The bytes of its storage from a tensor's first element to its last. */
function rangeOf(tensor: PickledTensor): { begin: number; end: number } {
  const elementSize = elementSizes[tensor.type]
  const begin = (tensor.storage.begin + tensor.offset) * elementSize
  return { begin, end: begin + extentOf(tensor) * elementSize }
}

/** Checks that the storage is there, as large as was said, and that the tensor lies in it. */
function checkPlace(tensor: PickledTensor, storages: Storages, fail: Fail): void {
  const { key, length, elementSize } = tensor.storage
  const found = storages.sizeOf(key)
  if (found === undefined) return fail(`the storage ${JSON.stringify(key.slice(0, 60))}`, 'none of this name')
  const bytes = length * elementSize
  // a storage that was made of bytes may end with a part of an element
  if (Math.floor(found / elementSize) !== length) {
    fail(`a storage of ${bytes} bytes`, `${found}; the file is truncated or damaged`)
  }
  const { end } = rangeOf(tensor)
  if (!(end <= bytes)) fail(`elements within the ${bytes} bytes of its storage`, `elements up to byte ${end}`)
}

/** How many bytes a tensor has, or reading it goes through if these are more. */
function effortOf(tensor: PickledTensor, storages: Storages): number {
  const { begin, end } = rangeOf(tensor)
  const read = storages.isCompressed(tensor.storage.key) ? end : end - begin
  return Math.max(read, elementCount(tensor.shape) * elementSizes[tensor.type])
}
