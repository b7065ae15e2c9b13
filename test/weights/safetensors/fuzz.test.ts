import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { encodeSafetensors, parseSafetensors, type StateDict } from '../../../src/weights/index.js'
import { mutateAll, mutation } from '../../support/mutations.js'
import { rawSafetensors } from './raw.js'

const valid = encodeSafetensors(
  new Map([
    ['conv1.weight', { shape: [2, 1, 3], dtype: 'float32', data: new Float32Array(6).fill(0.5) }],
    ['bn1.num_batches_tracked', { shape: [], dtype: 'int64', data: new BigInt64Array([3n]) }],
    ['mask', { shape: [3], dtype: 'bool', data: new Uint8Array(3) }],
  ]),
  { epoch: '1' },
)

/** Either a state dict whose arrays have the size of their shapes, or a WeightsError: nothing else may come out. */
function parsesOrRefuses(bytes: Uint8Array): void {
  try {
    for (const { shape, data } of parseSafetensors(bytes, 'fuzz').stateDict.values()) {
      expect(data.length).toBe(shape.reduce((product, size) => product * size, 1))
    }
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
  }
}

const damage = mutation(Array.from('{}[]",:0123456789-.e\\', (character) => character.charCodeAt(0)))

it('survives 10,000 mutations of a valid file', () => {
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 6 }), (mutations) => {
      parsesOrRefuses(mutateAll(valid, mutations))
    }),
    { seed: 20261124, numRuns: 10_000 },
  )
})

it('survives mutations of the header whose length is kept right', () => {
  const headerLength = Number(new DataView(valid.buffer).getBigUint64(0, true))
  const header = valid.slice(8, 8 + headerLength)
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (mutations) => {
      parsesOrRefuses(rawSafetensors(mutateAll(header, mutations), valid.slice(8 + headerLength)))
    }),
    { seed: 20261125, numRuns: 10_000 },
  )
})

it('survives any JSON and any plausible tensor entries as a header', () => {
  const size = fc.oneof(fc.nat(8), fc.integer({ min: -2, max: 2 ** 53 }), fc.double(), fc.jsonValue({ maxDepth: 1 }))
  const entry = fc.record(
    {
      dtype: fc.oneof(fc.constantFrom('F32', 'I64', 'BOOL', 'F16', 'F8'), fc.jsonValue({ maxDepth: 1 })),
      shape: fc.array(size, { maxLength: 4 }),
      data_offsets: fc.array(size, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  )
  const header = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom('a', 'b', '__metadata__', '__proto__'), fc.oneof(entry, fc.jsonValue())),
  )
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 64 }), (json, data) => {
      parsesOrRefuses(rawSafetensors(json, data))
    }),
    { seed: 20261126, numRuns: 5_000 },
  )
})

it('gives back any state dict', () => {
  const array = fc.oneof(
    fc.float32Array({ maxLength: 12 }).map((data) => ({ shape: [data.length], dtype: 'float32' as const, data })),
    fc.int32Array({ maxLength: 12 }).map((data) => ({ shape: [1, data.length], dtype: 'int32' as const, data })),
    fc.bigInt64Array({ maxLength: 5 }).map((data) => ({ shape: [data.length], dtype: 'int64' as const, data })),
    fc.uint8Array({ maxLength: 12 }).map((data) => ({ shape: [data.length, 1], dtype: 'uint8' as const, data })),
  )
  const name = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text !== '__metadata__')
  const names = fc.uniqueArray(fc.tuple(name, array), { selector: ([key]) => key, maxLength: 8 })
  const metadata = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true })
  fc.assert(
    fc.property(names, metadata, (entries, strings) => {
      const dict: StateDict = new Map(entries)
      const read = parseSafetensors(encodeSafetensors(dict, strings), 'x')
      expect(read.stateDict.size).toBe(dict.size)
      for (const [key, value] of dict) expect(read.stateDict.get(key)).toEqual(value)
      expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(strings).sort())
    }),
    { seed: 20261127, numRuns: 1_000 },
  )
})
