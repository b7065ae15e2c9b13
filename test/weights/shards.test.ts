import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WeightsError } from '../../src/device/errors.js'
import { openWeights, readStateDict, type StateDict, writeStateDict } from '../../src/weights/index.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-shards-'))
  await mkdir(path.join(folder, 'net'))
  await writeStateDict(path.join(folder, 'net/1-of-2.safetensors'), dict({ 'a.weight': [1, 2], 'a.bias': [3] }))
  await writeStateDict(path.join(folder, 'net/2-of-2.safetensors'), dict({ 'b.weight': [4, 5] }))
})
afterEach(() => rm(folder, { recursive: true }))

const dict = (arrays: Record<string, number[]>): StateDict =>
  new Map(
    Object.entries(arrays).map(([name, values]) => [
      name,
      { shape: [values.length], dtype: 'float32', data: Float32Array.from(values) },
    ]),
  )

const index = async (content: unknown) => {
  const file = path.join(folder, 'net', 'model.safetensors.index.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

const complete = {
  'b.weight': '2-of-2.safetensors',
  'a.weight': '1-of-2.safetensors',
  'a.bias': '1-of-2.safetensors',
}

describe('the index of a sharded checkpoint', () => {
  it('is read as one file, in its own order', async () => {
    const file = await index({ metadata: { total_size: 20, note: 'both' }, weight_map: complete })
    const { stateDict, metadata } = await readStateDict(file)
    expect([...stateDict].map(([name, { data }]) => [name, ...data])).toEqual([
      ['b.weight', 4, 5],
      ['a.weight', 1, 2],
      ['a.bias', 3],
    ])
    expect({ ...metadata }).toEqual({ note: 'both' })
  })

  it('need not name every tensor of a shard', async () => {
    const file = await index({ weight_map: { 'a.bias': '1-of-2.safetensors' } })
    expect([...(await readStateDict(file)).stateDict.keys()]).toEqual(['a.bias'])
  })

  it('loses the prefixes of wrappers', async () => {
    await writeStateDict(path.join(folder, 'net/w.safetensors'), dict({ 'module._orig_mod.fc.bias': [1] }))
    const file = await index({ weight_map: { 'module._orig_mod.fc.bias': 'w.safetensors' } })
    expect([...(await readStateDict(file)).stateDict.keys()]).toEqual(['fc.bias'])
  })

  it.each([
    ['a tensor that its shard has not', { weight_map: { c: '1-of-2.safetensors' } }, /1-of-2.safetensors: tensor "c"/],
    ['a shard that is missing', { weight_map: { c: '3.safetensors' } }, /3\.safetensors: .*no such file/],
    ['no weight_map', { weights: {} }, /with "weight_map", found an object without it/],
    ['a list', [1, 2], /an unknown format/],
    ['a shard that is no text', { weight_map: { c: 5 } }, /tensor "c": expected the name of a file .*, found 5/],
    ['broken JSON', '{"weight_map": {', /no JSON/],
    ['a name twice', '{"weight_map":{"c":"1","c":"2"}}', /the name "c" twice/],
  ])('is refused with %s', async (_, content, message) => {
    await expect(openWeights(await index(content))).rejects.toThrow(message)
    await expect(openWeights(await index(content))).rejects.toThrow(WeightsError)
  })

  it.each(['../secret.safetensors', '/etc/passwd', '..', '.', 'a/b', 'a\\b', 'C:x', '', 'a\0b'])(
    'does not lead out of its folder, to %j',
    async (name) => {
      await writeStateDict(path.join(folder, 'secret.safetensors'), dict({ c: [1] }))
      const file = await index({ weight_map: { c: name } })
      await expect(openWeights(file)).rejects.toThrow(/expected the name of a file in the same folder/)
    },
  )

  it('may not be a shard of itself', async () => {
    const file = await index({ weight_map: { c: 'model.safetensors.index.json' } })
    await expect(openWeights(file)).rejects.toThrow(/expected a shard with tensors, found another index/)
  })
})
