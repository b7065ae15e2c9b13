import type { StateDict } from '../../nn/state-dict.js'
import type { ByteSource } from '../byte-source.js'
import { decode, decodedTypes } from '../element-types.js'
import type { StoredTensor, WeightsFile } from '../weights-file.js'
import { lengthBytes, parseSafetensorsHeader, safetensorsHeaderLength, safetensorsTypes } from './header.js'

/**
 * Opens a safetensors file (https://github.com/huggingface/safetensors): its header is read and checked at once, each
 * tensor when it is asked for.
 *
 * @throws WeightsError where the file is not valid; it names the file and the tensor
 */
export async function openSafetensors(source: ByteSource): Promise<WeightsFile> {
  const { name, size } = source
  const length = safetensorsHeaderLength(await source.read(0, Math.min(lengthBytes, size)), name, size)
  const { entries, metadata } = parseSafetensorsHeader(await source.read(0, lengthBytes + length), name, size)
  const tensors = new Map<string, StoredTensor>()
  for (const { name: tensor, dtype, shape, begin, end } of entries) {
    const storedType = safetensorsTypes[dtype]
    const read = async (scratch?: Uint8Array<ArrayBuffer>) =>
      decode(await source.read(begin, end, scratch), storedType, shape)
    tensors.set(tensor, { shape, storedType, dtype: decodedTypes[storedType], read })
  }
  return { file: name, format: 'safetensors', tensors, metadata, close: () => source.close() }
}

/**
 * Reads the content of a safetensors file that is in memory. Float types become float32 (an F64 beyond its range becomes
 * infinite), I8, I16 and U16 become int32; the rest keeps its type.
 *
 * Data that is aligned is not copied: those arrays are views on `bytes`, which the caller must leave unchanged.
 *
 * @param bytes the whole file
 * @param file what errors call it
 * @returns the tensors, in the order of their data in the file, and its `__metadata__`
 * @throws WeightsError where the file is not valid; it names the file and the tensor
 */
export function parseSafetensors(
  bytes: Uint8Array,
  file: string,
): { stateDict: StateDict; metadata: Record<string, string> } {
  const { entries, metadata } = parseSafetensorsHeader(bytes, file)
  const stateDict: StateDict = new Map()
  for (const { name, dtype, shape, begin, end } of entries) {
    stateDict.set(name, decode(bytes.subarray(begin, end), safetensorsTypes[dtype], shape))
  }
  return { stateDict, metadata }
}
