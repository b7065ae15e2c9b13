import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { openNpz } from '../../../src/weights/numpy/reader.js'
import { elementCount, type WeightsFile } from '../../../src/weights/weights-file.js'
import { anywhere, mutateAll, mutation } from '../../support/mutations.js'
import { bytesOf, deflated, fields, joined, npyText, type RawEntry, rawNpy, rawZip, stored, text } from './raw.js'

const weight = rawNpy(npyText("'<f4'", '(2, 3)'), bytesOf(new Float32Array([1, 2, 3, 4, 5, 6])))
const fortran = rawNpy(npyText("'>i2'", '(2, 2)', 'True'), bytesOf(new Int16Array([1, 2, 3, 4])))
const archive = (kind: (name: string, bytes: Uint8Array) => RawEntry) =>
  rawZip([kind('fc.weight.npy', weight), kind('n.npy', fortran)])

/** Either arrays of the size of their shapes, or a WeightsError: nothing else may come out, when opened or when read. */
async function readsOrRefuses(file: Promise<WeightsFile>): Promise<void> {
  try {
    for (const tensor of (await file).tensors.values()) {
      const { shape, data } = await tensor.read()
      expect(data.length).toBe(elementCount(shape))
    }
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
  }
}

/** Integers that headers may hold. */
const number = fc.oneof(
  fc.nat(400),
  fc.constantFrom(0, 1, 8, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x04034b50, 0x02014b50, 0x06054b50),
)

/** A change of any kind, or of a number that headers hold. */
const damage = fc.oneof(
  { weight: 3, arbitrary: mutation(text("PK{}()',:<>|-0123456789LOVUS\x93\\ ")) },
  { weight: 1, arbitrary: fc.record({ at: anywhere, width: fc.constantFrom(2 as const, 4 as const), number }) },
)

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function mutate(bytes: Uint8Array, change: Damage): Uint8Array {
  if ('kind' in change) return mutateAll(bytes, [change])
  const list = Array.from(bytes)
  list.splice(Math.floor(change.at * bytes.length), change.width, ...fields([change.width, change.number]))
  return Uint8Array.from(list)
}

const mutations = fc.array(damage, { minLength: 1, maxLength: 4 })
const mutated = (bytes: Uint8Array, list: readonly Damage[]) => joined([list.reduce(mutate, bytes)])

it.each([
  ['stored', stored],
  ['compressed', deflated],
])('survives 10,000 mutations of an archive whose arrays are %s', async (_, kind) => {
  const valid = archive(kind)
  await fc.assert(
    fc.asyncProperty(mutations, (list) => readsOrRefuses(openSource(bytesSource(mutated(valid, list), 'fuzz')))),
    { seed: 20261201, numRuns: 10_000 },
  )
})

it('survives mutations of an array in an archive that is kept right', async () => {
  await fc.assert(
    fc.asyncProperty(mutations, fc.constantFrom(stored, deflated), (list, kind) => {
      const entries = [kind('a.npy', mutated(weight, list)), kind('b.npy', mutated(fortran, list))]
      return readsOrRefuses(openNpz(bytesSource(rawZip(entries), 'fuzz')))
    }),
    { seed: 20261202, numRuns: 10_000 },
  )
})

it('survives any lies of the headers of an archive', async () => {
  const zip64 = fc.tuple(number, number, number).map((values) => {
    return joined([fields([2, 1], [2, 24]), ...values.map((value) => fields([8, value * 1025]))])
  })
  const extra = fc.oneof(fc.uint8Array({ maxLength: 40 }), zip64)
  const lie: fc.Arbitrary<Partial<RawEntry>> = fc.oneof(
    fc.record({ method: fc.oneof(fc.constantFrom(0, 8, 9), fc.nat(0xffff)) }),
    fc.record({ localMethod: fc.constantFrom(0, 8) }),
    fc.record({ flags: fc.oneof(fc.constantFrom(0, 1, 8, 0x40), fc.nat(0xffff)) }),
    fc.record({ crc: number }),
    fc.record({ size: number }),
    fc.record({ packedSize: number }),
    number.map((size) => ({ size, packedSize: size })),
    fc.record({ offset: number }),
    fc.record({ localName: fc.constantFrom('a.npy', '../a.npy', 'b') }),
    fc.record({ localExtra: extra }),
    fc.record({ directoryExtra: extra }),
    zip64.map((directoryExtra) => ({ directoryExtra, size: 0xffffffff })),
  )
  const lies = fc
    .array(lie, { maxLength: 2 })
    .map((list) => list.reduce<Partial<RawEntry>>((all, each) => ({ ...all, ...each }), {}))
  const entry = fc.tuple(
    fc.oneof(fc.constantFrom('a.npy', 'b.npy', 'c/d.npy', 'folder/'), fc.constantFrom('..', 'x', '')),
    fc.oneof(fc.constantFrom(weight, fortran), fc.constantFrom(new Uint8Array(), new Uint8Array(100))),
    lies,
    fc.constantFrom(stored, deflated),
  )
  const honest = fc.constant({})
  const lying = fc.record({ count: fc.nat(9), directoryOffset: number, comment: fc.string() }, { requiredKeys: [] })
  const directory = fc.oneof({ arbitrary: honest, weight: 5 }, { arbitrary: lying, weight: 1 })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), directory, (entries, options) => {
      const bytes = rawZip(
        entries.map(([name, data, entryLies, kind]) => kind(name, data, entryLies)),
        options,
      )
      return readsOrRefuses(openNpz(bytesSource(bytes, 'fuzz')))
    }),
    { seed: 20261203, numRuns: 10_000 },
  )
})
