import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WeightsError } from '../../src/device/errors.js'
import {
  atomicWrite,
  encodeSafetensors,
  readStateDict,
  writeStateDict,
  type StateDict,
} from '../../src/weights/index.js'
import { rawSafetensors } from './safetensors/raw.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybreak-weights-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const dict: StateDict = new Map([
  ['fc.weight', { shape: [2, 3], dtype: 'float32', data: new Float32Array([1, 2, 3, 4, 5, 6]) }],
  ['bn1.num_batches_tracked', { shape: [], dtype: 'int64', data: new BigInt64Array([7n]) }],
])

async function failure(promise: Promise<unknown>): Promise<WeightsError> {
  const error = await promise.then(
    () => new Error('no error'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  return error as WeightsError
}

describe('readStateDict and writeStateDict', () => {
  it('round-trip, and leave nothing else in the folder', async () => {
    const file = join(folder, 'model.safetensors')
    await writeStateDict(file, new Map())
    await writeStateDict(file, dict, { model: 'resnet50' })
    const read = await readStateDict(file)
    expect(new Map([...read.stateDict].sort())).toEqual(new Map([...dict].sort()))
    expect({ ...read.metadata }).toEqual({ model: 'resnet50' })
    expect(await readdir(folder)).toEqual(['model.safetensors'])
    expect(new Uint8Array(await readFile(file))).toEqual(encodeSafetensors(dict, { model: 'resnet50' }))
  })

  it('know safetensors by its content, whatever the name', async () => {
    const file = join(folder, 'model.bin')
    await writeFile(file, encodeSafetensors(dict))
    expect((await readStateDict(file)).stateDict.size).toBe(2)
  })

  it('take a header whose length begins as a pickle does', async () => {
    const bytes = rawSafetensors('{}'.padEnd(0x280))
    expect([bytes[0], bytes[1]]).toEqual([0x80, 2])
    const file = join(folder, 'model')
    await writeFile(file, bytes)
    expect((await readStateDict(file)).stateDict.size).toBe(0)
  })

  it('name a missing file, a folder and a truncated file', async () => {
    const missing = join(folder, 'missing.safetensors')
    expect((await failure(readStateDict(missing))).message).toContain(`${missing}: expected a weights file`)
    expect((await failure(readStateDict(missing))).detail.found).toBe('no such file or folder')
    expect((await failure(readStateDict(folder))).detail.found).toBe('a folder')
    const cut = join(folder, 'cut.safetensors')
    await writeStateDict(cut, dict)
    await truncate(cut, encodeSafetensors(dict).length - 1)
    expect((await failure(readStateDict(cut))).message).toMatch(/tensor "fc.weight": .*truncated/)
  })

  it.each([
    ['w.safetensors.gz', '\x1f\x8b\x08\x00', /gzip archive; unpack it first/],
    ['w.safetensors', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
    ['w.safetensors', '<!DOCTYPE html><html>', /web page/],
    ['w.json', '{"weights": {}}', /index of a sharded checkpoint: a JSON object with "weight_map"/],
    ['w.npy', '\x93NUMPY\x01\x00', /single NumPy array without a name; put it into an \.npz archive/],
    ['w.bin', '\x08\x07pytorch', /unknown format \(its first bytes are 08 07 70 79/],
    ['w.zip', 'PK\x05\x06' + '\0'.repeat(18), /an empty zip archive/],
    ['w.bin', '', /an empty file/],
    ['w.safetensors', '', /an empty file/],
    ['w.safetensors', 'nonsense that is long enough', /header length of/],
  ])('say what %s is that begins with %j', async (name, start, message) => {
    const file = join(folder, name)
    await writeFile(file, Buffer.from(start, 'latin1'))
    expect((await failure(readStateDict(file))).message).toMatch(message)
  })

  it('refuse to write another format, a wrong array, or into a missing folder', async () => {
    expect((await failure(writeStateDict(join(folder, 'm.pth'), dict))).message).toMatch(
      /ends in \.safetensors or \.npz/,
    )
    const wrong: StateDict = new Map([['w', { shape: [3], dtype: 'float32', data: new Float32Array(2) }]])
    expect((await failure(writeStateDict(join(folder, 'm.safetensors'), wrong))).detail.tensor).toBe('w')
    const nowhere = join(folder, 'none', 'm.safetensors')
    expect((await failure(writeStateDict(nowhere, dict))).detail.found).toBe('no such file or folder')
    expect(await readdir(folder)).toEqual([])
  })

  it('remove the temporary file when the name cannot be taken', async () => {
    const taken = join(folder, 'taken.safetensors')
    await mkdir(join(taken, 'inner'), { recursive: true })
    await failure(writeStateDict(taken, dict))
    expect(await readdir(folder)).toEqual(['taken.safetensors'])
  })
})

describe('atomicWrite', () => {
  it('writes text, bytes and pieces', async () => {
    const file = join(folder, 'state.json')
    await atomicWrite(file, '{"épochs":3}')
    expect(await readFile(file, 'utf8')).toBe('{"épochs":3}')
    await atomicWrite(file, Uint8Array.of(1, 2))
    expect([...(await readFile(file))]).toEqual([1, 2])
    await atomicWrite(file, [Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)])
    expect([...(await readFile(file))]).toEqual([1, 2, 3])
    await atomicWrite(file, '')
    expect(await readdir(folder)).toEqual(['state.json'])
  })

  it('keeps the old content when writing fails half-way', async () => {
    const file = join(folder, 'state.json')
    await atomicWrite(file, 'old')
    function* failing() {
      yield Uint8Array.of(1, 2, 3)
      throw new Error('half-way')
    }
    await expect(atomicWrite(file, failing())).rejects.toThrow('half-way')
    expect(await readFile(file, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['state.json'])
  })

  it('lets many writers of one file each win or lose whole', async () => {
    const file = join(folder, 'state.json')
    const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(10_000))
    await Promise.all(texts.map((text) => atomicWrite(file, text)))
    expect(texts).toContain(await readFile(file, 'utf8'))
    expect(await readdir(folder)).toEqual(['state.json'])
  })
})
