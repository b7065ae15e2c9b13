import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { openNpz } from '../../../src/weights/numpy/reader.js'
import { elementCount, type WeightsFile } from '../../../src/weights/weights-file.js'
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

const mutation = fc.record({
  kind: fc.constantFrom('flip', 'set', 'insert', 'remove', 'cut', 'repeat', 'half', 'word', 'grow'),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...text("PK{}()',:<>|-0123456789LOVUS\x93\\ "))),
  length: fc.nat(30),
  number,
})

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(bytes: Uint8Array, { kind, at, byte, length, number }: Mutation): Uint8Array {
  const index = Math.floor(at * bytes.length)
  const list = Array.from(bytes)
  if (kind === 'flip') list[index] = (list[index] ?? 0) ^ (1 << (byte % 8))
  if (kind === 'set') list[index] = byte
  if (kind === 'insert') list.splice(index, 0, byte)
  if (kind === 'remove') list.splice(index, length)
  if (kind === 'cut') list.length = index
  if (kind === 'repeat') list.splice(index, 0, ...list.slice(index, index + length))
  if (kind === 'half') list.splice(index, 2, ...fields([2, number]))
  if (kind === 'word') list.splice(index, 4, ...fields([4, number]))
  if (kind === 'grow') list.splice(index, 0, ...new Array<number>(length * 4).fill(byte))
  return Uint8Array.from(list)
}

const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })
const mutated = (bytes: Uint8Array, list: readonly Mutation[]) => joined([list.reduce(mutate, bytes)])

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
  const lies = fc.record(
    {
      method: fc.oneof(fc.constantFrom(0, 8, 9), fc.nat(0xffff)),
      flags: fc.oneof(fc.constantFrom(0, 1, 8, 0x40, 0x800), fc.nat(0xffff)),
      crc: number,
      size: number,
      packedSize: number,
      offset: number,
      localName: fc.constantFrom('a.npy', '../a.npy', 'b'),
      localExtra: fc.uint8Array({ maxLength: 40 }),
      directoryExtra: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        // Zip64 sizes and offset
        fc.tuple(number, number, number).map((values) => {
          return joined([fields([2, 1], [2, 24]), ...values.map((value) => fields([8, value * 1025]))])
        }),
      ),
    },
    { requiredKeys: [] },
  )
  const entry = fc.tuple(
    fc.constantFrom('a.npy', 'b.npy', 'folder/', '..', 'x', ''),
    fc.constantFrom(weight, fortran, new Uint8Array(), new Uint8Array(100)),
    lies,
    fc.constantFrom(stored, deflated),
  )
  const directory = fc.record({ count: fc.nat(9), directoryOffset: number, comment: fc.string() }, { requiredKeys: [] })
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 4 }), directory, (entries, options) => {
      const bytes = rawZip(
        entries.map(([name, data, entryLies, kind]) => kind(name, data, entryLies)),
        options,
      )
      return readsOrRefuses(openNpz(bytesSource(bytes, 'fuzz')))
    }),
    { seed: 20261203, numRuns: 5_000 },
  )
})
