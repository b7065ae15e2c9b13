import { WeightsError } from '../device/errors.js'
import type { ByteSource } from './byte-source.js'
import { describeJson, findDuplicateKey, isObject } from './json.js'
import { emptyMetadata, type StoredTensor, type WeightsFile } from './weights-file.js'

/** A tensor's name and its file's take a hundred bytes or so; this is enough for a million of them. */
const largestIndex = 128 * 1024 * 1024

/**
 * Opens a checkpoint of several files by its index, such as `model.safetensors.index.json` or `pytorch_model.bin.index.json`:
 * `{ "metadata": ..., "weight_map": { "<tensor>": "<file in the same folder>" } }`.
 *
 * @param openFile opens one of the files
 * @throws WeightsError where the index is not valid, leads out of its folder, or its files do not hold what it says
 */
export async function openShards(
  source: ByteSource,
  openFile: (file: string) => Promise<WeightsFile>,
): Promise<WeightsFile> {
  const path = await import('node:path')
  const { weightMap, metadata } = await readIndex(source)
  const shards = new Map<string, WeightsFile>()
  const close = async () => {
    await Promise.all([source, ...shards.values()].map((opened) => opened.close()))
  }
  try {
    const tensors = new Map<string, StoredTensor>()
    for (const [tensor, name] of weightMap) {
      const shard = shards.get(name) ?? (await openFile(path.join(path.dirname(source.name), name)))
      shards.set(name, shard)
      const stored = shard.tensors.get(tensor)
      if (stored === undefined) {
        throw new WeightsError(shard.file, {
          tensor,
          expected: `the tensor, as ${source.name} says`,
          found: 'no such tensor',
        })
      }
      tensors.set(tensor, stored)
    }
    const format = [...shards.values()][0]?.format ?? 'safetensors'
    return { file: source.name, format, tensors, metadata, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function readIndex(source: ByteSource) {
  const { name: file, size } = source
  const expected = 'the index of a sharded checkpoint: a JSON object with "weight_map"'
  if (size > largestIndex) throw new WeightsError(file, { expected, found: `${size} bytes of text` })
  const text = new TextDecoder().decode(await source.read(0, size))
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new WeightsError(file, { expected, found: `no JSON: ${String(error).slice(0, 200)}` })
  }
  const duplicate = findDuplicateKey(text)
  if (duplicate) throw new WeightsError(file, { expected, found: `the name ${JSON.stringify(duplicate.key)} twice` })
  if (!isObject(parsed) || !isObject(parsed.weight_map)) {
    throw new WeightsError(file, { expected, found: isObject(parsed) ? 'an object without it' : describeJson(parsed) })
  }
  const weightMap = Object.entries(parsed.weight_map).map(([tensor, shard]) => [tensor, shardName(tensor, shard, file)])
  const metadata = emptyMetadata()
  for (const [key, value] of Object.entries(isObject(parsed.metadata) ? parsed.metadata : {})) {
    if (typeof value === 'string') metadata[key] = value // others, such as total_size, say nothing that is not known
  }
  return { weightMap: weightMap as [string, string][], metadata }
}

/** An index may name files beside it and nothing else: it may come from anywhere. */
function shardName(tensor: string, shard: unknown, file: string): string {
  if (typeof shard === 'string' && /^[^/\\:\0]+$/.test(shard) && shard !== '.' && shard !== '..') return shard
  throw new WeightsError(file, {
    tensor,
    expected: 'the name of a file in the same folder',
    found: describeJson(shard),
  })
}
