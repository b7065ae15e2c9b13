import { WeightsError } from '../device/errors.js'
import type { StateDict, StoredArray } from '../nn/state-dict.js'
import { atomicWrite } from '../device/node/atomic-write.js'
import { type ByteSource, describeFailure, fileSource } from './byte-source.js'
import { describeUnknown, recogniseFormat, sniffedBytes } from './file-format.js'
import { withoutWrapperPrefixes } from './names.js'
import { openSafetensors } from './safetensors/reader.js'
import { safetensorsPieces } from './safetensors/writer.js'
import { openShards } from './shards.js'
import { storedArrays } from './stored-arrays.js'
import type { WeightsFile, WeightsFormat } from './weights-file.js'

const formatsRead =
  'weights as safetensors, PyTorch (.pth, .pt, .bin), NumPy (.npz), Keras (.h5) or ONNX, or the index of shards'

/** Readers are loaded when a file needs them: most programs read one format. Each takes over the source. */
const readers: Record<WeightsFormat, (source: ByteSource) => Promise<WeightsFile>> = {
  safetensors: openSafetensors,
  pytorch: async (source) => (await import('./pytorch/reader.js')).openPyTorch(source),
  numpy: async (source) => (await import('./numpy/reader.js')).openNpz(source),
  keras: async (source) => (await import('./keras/reader.js')).openKeras(source),
  onnx: async (source) => (await import('./onnx/reader.js')).openOnnx(source),
}

/**
 * Opens a weights file; its content decides the format. What is in it is known at once, tensors are read when they are
 * asked for. The prefixes that wrappers put in front of every name (`module.`, `_orig_mod.`) are taken off. Node only.
 *
 * @throws WeightsError where the file is missing, of another format, truncated or wrong in any other way
 */
export async function openWeights(file: string): Promise<WeightsFile> {
  const opened = await openSource(await fileSource(file))
  return { ...opened, tensors: withoutWrapperPrefixes(opened.tensors) }
}

/** The same for a file that is open already; closes it when it throws. */
export async function openSource(source: ByteSource): Promise<WeightsFile> {
  try {
    const start = await source.read(0, Math.min(sniffedBytes, source.size))
    const { format, is } = recogniseFormat(start, source.name)
    if (format === undefined) {
      throw new WeightsError(source.name, { expected: formatsRead, found: is ?? describeUnknown(start) })
    }
    return await (format === 'shards' ? openShards(source, openShard) : readers[format](source))
  } catch (error) {
    await source.close()
    throw error
  }
}

/** An index may not name an index: it could name itself. */
async function openShard(file: string): Promise<WeightsFile> {
  const source = await fileSource(file)
  const start = await source.read(0, Math.min(sniffedBytes, source.size))
  if (recogniseFormat(start, file).format !== 'shards') return openSource(source)
  await source.close()
  throw new WeightsError(file, { expected: 'a shard with tensors', found: 'another index' })
}

/** What a weights file holds, in memory. */
export interface LoadedWeights {
  readonly stateDict: StateDict
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Reads all of a weights file into memory; see `openWeights`. Node only.
 *
 * @throws WeightsError where the file is missing, of another format, truncated or wrong in any other way
 */
export async function readStateDict(file: string): Promise<LoadedWeights> {
  const opened = await openWeights(file)
  try {
    const stateDict: StateDict = new Map()
    for (const [name, tensor] of opened.tensors) stateDict.set(name, await tensor.read())
    return { stateDict, metadata: opened.metadata }
  } finally {
    await opened.close()
  }
}

/**
 * Writes a weights file, atomically: a reader finds the old file or the new one, never a part. Node only.
 * PyTorch loads a safetensors file with `model.load_state_dict(safetensors.torch.load_file(file))`.
 *
 * @param file its name must end in `.safetensors` or `.npz`, the formats that are written
 * @param tensors arrays, or those of an open file, which are then read one at a time
 * @param metadata strings that `readStateDict` gives back; `.npz` has no place for them
 * @throws WeightsError where an array does not fit its shape, or the file cannot be written; nothing is left behind
 */
export async function writeStateDict(
  file: string,
  tensors: StateDict | ReadonlyMap<string, StoredArray>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const pieces = await piecesOf(file, storedArrays(tensors), metadata)
  try {
    await atomicWrite(file, pieces)
  } catch (error) {
    if (error instanceof WeightsError) throw error
    throw new WeightsError(file, { expected: 'a file that can be written', found: describeFailure(error) })
  }
}

async function piecesOf(
  file: string,
  tensors: ReadonlyMap<string, StoredArray>,
  metadata: Readonly<Record<string, string>>,
): Promise<AsyncIterable<Uint8Array>> {
  if (/\.safetensors$/i.test(file)) return safetensorsPieces(tensors, metadata, file)
  if (/\.npz$/i.test(file)) return (await import('./numpy/writer.js')).npzPieces(tensors, file)
  throw new WeightsError(file, {
    expected: 'a name that ends in .safetensors or .npz (the formats that are written)',
    found: 'another',
  })
}
