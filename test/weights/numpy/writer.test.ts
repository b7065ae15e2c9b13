import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import type { NamedArray, StateDict, StoredArray } from '../../../src/nn/state-dict.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource, readStateDict, writeStateDict } from '../../../src/weights/files.js'
import { npzPieces } from '../../../src/weights/numpy/writer.js'
import { storedArrays } from '../../../src/weights/stored-arrays.js'
import { openZip } from '../../../src/weights/zip.js'
import { joined } from './raw.js'

const example: StateDict = new Map([
  ['conv1.weight', { shape: [2, 1, 1, 2], dtype: 'float32', data: new Float32Array([1, -2.5, 3e-40, Infinity]) }],
  ['bn1.num_batches_tracked', { shape: [], dtype: 'int64', data: new BigInt64Array([1234567890123456789n]) }],
  ['mask', { shape: [3], dtype: 'bool', data: new Uint8Array([1, 0, 1]) }],
  ['a/b/größe', { shape: [1, 5], dtype: 'uint8', data: new Uint8Array([0, 255, 7, 8, 9]) }],
  ['index', { shape: [2], dtype: 'int32', data: new Int32Array([-5, 2147483647]) }],
  ['empty', { shape: [0, 3], dtype: 'float32', data: new Float32Array() }],
])

async function write(tensors: StateDict | ReadonlyMap<string, StoredArray>): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  for await (const piece of npzPieces(storedArrays(tensors), 'net.npz')) pieces.push(piece)
  return joined(pieces)
}

async function read(bytes: Uint8Array<ArrayBuffer>): Promise<StateDict> {
  const { tensors } = await openSource(bytesSource(bytes, 'net.npz'))
  const stateDict: StateDict = new Map()
  for (const [name, tensor] of tensors) stateDict.set(name, await tensor.read())
  return stateDict
}

const scalar = (value: number): NamedArray => ({ shape: [], dtype: 'uint8', data: Uint8Array.of(value) })

describe('npzPieces', () => {
  it('writes what openNpz reads, in the same order', async () => {
    const found = await read(await write(example))
    expect([...found]).toEqual([...example])
  })

  it('writes headers as NumPy does', async () => {
    const entries = await openZip(bytesSource(await write(example), 'net.npz'))
    const headers = await Promise.all(
      [...entries].map(async ([name, entry]) => [name, Buffer.from(await entry.read()).toString('latin1', 0, 128)]),
    )
    const expected = (name: string, descr: string, shape: string) => {
      const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`
      return [name, `\x93NUMPY\x01\x00\x76\x00${dict.padEnd(117)}\n`]
    }
    expect(headers).toEqual([
      expected('conv1.weight.npy', '<f4', '(2, 1, 1, 2)'),
      expected('bn1.num_batches_tracked.npy', '<i8', '()'),
      expected('mask.npy', '|b1', '(3,)'),
      expected('a/b/größe.npy', '|u1', '(1, 5)'),
      expected('index.npy', '<i4', '(2,)'),
      expected('empty.npy', '<f4', '(0, 3)'),
    ])
    expect([...entries.values()].every(({ range }) => range !== undefined)).toBe(true) // nothing is compressed
  })

  it('writes the same bytes for the same input', async () => {
    expect(Buffer.compare(await write(example), await write(example))).toBe(0)
  })

  it('writes the same bytes in every time zone', async () => {
    const zone = process.env.TZ
    try {
      process.env.TZ = 'Asia/Tokyo'
      const inTokyo = await write(example)
      process.env.TZ = 'America/Los_Angeles'
      expect(new Date(0).getHours()).toBe(16) // the zone is in effect
      expect(Buffer.compare(await write(example), inTokyo)).toBe(0)
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it('writes an archive without tensors', async () => {
    expect((await openZip(bytesSource(await write(new Map()), 'net.npz'))).size).toBe(0)
  })

  it('gives back any state dict', async () => {
    const array = fc.oneof(
      fc.float32Array({ maxLength: 12 }).map((data) => ({ shape: [data.length], dtype: 'float32' as const, data })),
      fc.int32Array({ maxLength: 12 }).map((data) => ({ shape: [1, data.length], dtype: 'int32' as const, data })),
      fc.bigInt64Array({ maxLength: 5 }).map((data) => ({ shape: [data.length], dtype: 'int64' as const, data })),
      fc.uint8Array({ maxLength: 12 }).map((data) => ({ shape: [data.length, 1], dtype: 'uint8' as const, data })),
      fc.boolean().map((value) => ({ shape: [], dtype: 'bool' as const, data: Uint8Array.of(Number(value)) })),
    )
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.stringMatching(/^[a-z.]{1,4}(\/[a-z.]{1,4}){0,2}$/),
    )
    const names = fc.uniqueArray(fc.tuple(name, array), { selector: ([key]) => key, minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(names, async (entries) => {
        const isSafe = entries.every(([key]) => !/[\\\0]|^\/|^[a-z]:|(^|\/)\.\.(\/|$)/i.test(key))
        const written = write(new Map(entries)).catch((error: unknown) => error)
        if (isSafe) expect([...(await read((await written) as Uint8Array<ArrayBuffer>))]).toEqual(entries)
        else expect(await written).toBeInstanceOf(WeightsError)
      }),
      { seed: 20261128, numRuns: 1_000 },
    )
  })

  it.each([
    '..',
    '../a',
    'a/../b',
    'a/..',
    '/a',
    'C:a',
    'c:/a',
    'a\\b',
    'a\0b',
    'half a pair \ud800',
    'x'.repeat(65532),
    'ü'.repeat(32766),
  ])('refuses the name %.20j before anything is written', async (name) => {
    let reads = 0
    const counted: StoredArray = {
      ...scalar(1),
      read: () => {
        reads++
        return Promise.resolve(scalar(1))
      },
    }
    const pieces = npzPieces(
      new Map([
        ['good', counted],
        [name, counted],
      ]),
      'net.npz',
    )
    const error = await pieces.next().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(WeightsError)
    expect((error as WeightsError).message).toMatch(/a name that is safe in a zip archive/)
    expect(reads).toBe(0)
  })

  it.each(['...', 'a..b', 'a/.../b', 'ab:c', 'a b', '.npy', ' ', '\ufeff', 'x'.repeat(65531), 'ü'.repeat(32765)])(
    'takes the name %.20j',
    async (name) => {
      expect([...(await read(await write(new Map([[name, scalar(3)]]))))]).toEqual([[name, scalar(3)]])
    },
  )

  const wrong: [string, StoredArray][] = [
    ['of another size', { shape: [3], dtype: 'uint8', read: () => Promise.resolve(scalar(1)) }],
    ['of another type', { shape: [], dtype: 'bool', read: () => Promise.resolve(scalar(1)) }],
    ['of a negative size', { shape: [-1], dtype: 'uint8', read: () => Promise.resolve({ ...scalar(1), shape: [-1] }) }],
  ]
  it.each(wrong)('refuses an array %s', async (_, array) => {
    const error = await write(new Map([['t', array]])).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(WeightsError)
    expect((error as WeightsError).detail.tensor).toBe('t')
  })
})

/** Tensors of 1 MB each, and how far reading has come. */
function watchedTensors(count: number, readOne: (index: number) => Promise<NamedArray>) {
  const begun: number[] = []
  const shape = [250_000]
  const tensors = new Map(
    Array.from({ length: count }, (_, i): [string, StoredArray] => {
      const readIt = () => {
        begun.push(i)
        return readOne(i)
      }
      return [`t${i}`, { shape, dtype: 'float32', read: readIt }]
    }),
  )
  return { begun, tensors, megabyte: { shape, dtype: 'float32' as const, data: new Float32Array(250_000) } }
}

describe('writing of tensors that are read on the way', () => {
  it('reads them one after the other, as the consumer takes the bytes', async () => {
    const { begun, tensors, megabyte } = watchedTensors(8, () => Promise.resolve(megabyte))
    let taken = 0
    for await (const piece of npzPieces(tensors, 'net.npz')) {
      taken += piece.length
      await new Promise((resolve) => setTimeout(resolve, 2)) // a slow disk: time to run ahead, if anything did
      expect(begun.length).toBeLessThanOrEqual(Math.floor(taken / 1_000_000) + 2)
    }
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it.each(['at once', 'later'])('ends with the error of a tensor that cannot be read, thrown %s', async (when) => {
    const own = new WeightsError('source.pth', { tensor: 't2', expected: 'data', found: 'none' })
    const { begun, tensors, megabyte } = watchedTensors(5, async (i) => {
      if (when === 'later') await new Promise((resolve) => setTimeout(resolve, 5))
      if (i === 2) throw own
      return megabyte
    })
    await expect(write(tensors)).rejects.toBe(own)
    expect(begun).toEqual([0, 1, 2])
  })

  it('ends with an error also where a tensor is refused without a reason', async () => {
    const reason: unknown = undefined
    const { tensors } = watchedTensors(2, () => {
      throw reason
    })
    await expect(write(tensors)).rejects.toThrow(/premature close/i)
  })

  it('stops reading when the consumer stops', async () => {
    const { begun, tensors, megabyte } = watchedTensors(100, () => Promise.resolve(megabyte))
    for await (const piece of npzPieces(tensors, 'net.npz')) if (piece.length > 1000) break
    const soFar = begun.length
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(soFar).toBeLessThan(3)
    expect(begun.length).toBe(soFar)
  })

  it('leaves no file behind where a tensor cannot be read', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'daybreak-npz-'))
    try {
      const { tensors } = watchedTensors(1, () => Promise.reject(new Error('gone')))
      await expect(writeStateDict(path.join(folder, 'a.npz'), tensors)).rejects.toThrow(/found gone/)
      await writeStateDict(path.join(folder, 'b.npz'), example)
      expect(await readdir(folder)).toEqual(['b.npz'])
      expect([...(await readStateDict(path.join(folder, 'b.npz'))).stateDict]).toEqual([...example])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
