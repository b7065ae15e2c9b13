import fc from 'fast-check'
import { crc32 } from 'node:zlib'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { elementCount } from '../../../src/weights/index.js'
import { mutateAll, mutation } from '../../support/mutations.js'
import { rawZip, stored } from '../numpy/raw.js'
import { bytesOf, dict, floats, global, int, legacyFile, list, pickle, reduce, tensor, text, zipFile } from './raw.js'

/** Either tensors whose arrays have the size of their shapes, or a WeightsError: nothing else may come out. */
async function opensOrRefuses(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const opened = await openSource(bytesSource(bytes, 'fuzz'))
    for (const stored of opened.tensors.values()) {
      const { data, shape } = await stored.read()
      expect(data.length).toBe(elementCount(shape))
      expect(data.byteLength).toBeLessThanOrEqual(2 ** 28)
    }
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
  }
}

const saved = pickle(
  dict({
    state_dict: [
      reduce(global('collections', 'OrderedDict')),
      '(',
      text('fc.weight'),
      tensor({ shape: [2, 3], strides: [3, 1], key: '1', length: 6 }),
      text('fc.bias'),
      tensor(),
      'u',
    ],
    optimizer: dict({ state: list(int(1), 0x88, 'N'), lr: ['G', 0x3f, 0xb9, 0, 0, 0, 0, 0, 0] }),
  }),
)
const storages = { 0: floats(1, 2), 1: floats(3, 4, 5, 6, 7, 8) }

const operations = Array.from('.()]}NQRTUXabcdeghijklopqrstu0122IJKLMFGSV', (character) => character.charCodeAt(0))
const damage = fc.array(mutation([...operations, 0x80, 0x81, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x93, 0x94, 0xff, 0]), {
  minLength: 1,
  maxLength: 5,
})
const runs = (seed: number) => ({ seed, numRuns: 10_000 })

test('the file is valid to begin with', async () => {
  for (const file of [zipFile(saved, storages), legacyFile(saved, storages)]) {
    const opened = await openSource(bytesSource(file, 'fuzz'))
    expect([...opened.tensors.keys()]).toEqual(['fc.weight', 'fc.bias'])
  }
})

test('10,000 mutations of a file in the legacy format', async () => {
  const file = legacyFile(saved, storages)
  await fc.assert(
    fc.asyncProperty(damage, (mutations) => opensOrRefuses(mutateAll(file, mutations))),
    runs(20261126),
  )
})

test('10,000 mutations of an archive in the zip format', async () => {
  const file = zipFile(saved, storages)
  await fc.assert(
    fc.asyncProperty(damage, (mutations) => opensOrRefuses(mutateAll(file, mutations))),
    runs(20261127),
  )
})

test('10,000 mutations of the pickle in an archive that is right otherwise', async () => {
  await fc.assert(
    fc.asyncProperty(damage, (mutations) => opensOrRefuses(zipFile(mutateAll(saved, mutations), storages))),
    runs(20261128),
  )
})

test('2,000 mutations of the pickle of a real checkpoint', async () => {
  const file = readFileSync(new URL('fixtures/module.pth', import.meta.url))
  const begin = file.indexOf(bytesOf(0x80, 2, '}').subarray(0, 2))
  const length = file.readUInt32LE(file.indexOf('module/data.pkl') - 30 + 22)
  const real = new Uint8Array(file.subarray(begin, begin + length))
  await fc.assert(
    fc.asyncProperty(damage, (mutations) => {
      const changed = mutateAll(real, mutations)
      return opensOrRefuses(rawZip([stored('module/data.pkl', changed, { crc: crc32(changed) })]))
    }),
    { seed: 20261129, numRuns: 2_000 },
  )
})

test('10,000 programs of random operations', async () => {
  const program = fc.array(fc.oneof(fc.constantFrom(...operations), fc.nat(255)), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(program, (bytes) => opensOrRefuses(zipFile(bytesOf(0x80, 2, ...bytes, '.'), storages))),
    runs(20261130),
  )
})
