import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openKeras } from '../../../src/weights/keras/reader.js'
import { elementCount } from '../../../src/weights/index.js'
import { mutate, mutation } from '../../support/mutations.js'
import { kerasFile } from './files.js'

/** In seconds. A damaged file can trap the HDF5 library in an endless loop: seen once in a hundred thousand. */
const limit = 2

/** Either tensors whose arrays have the size of their shapes, or a WeightsError: nothing else may come out. */
async function opensOrRefuses(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const opened = await openKeras(bytesSource(bytes, 'fuzz.h5'), limit)
    for (const tensor of opened.tensors.values()) {
      const { data, shape } = await tensor.read()
      expect(data.length).toBe(elementCount(shape))
      expect(data.byteLength).toBeLessThanOrEqual(110 * bytes.length)
    }
    await opened.close()
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
  }
}

/** What is damaged in HDF5 are addresses and sizes, of 4 or 8 bytes at multiples of 4 or 8. */
const word = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  value: fc.oneof(fc.nat(2 ** 15), fc.constantFrom(0, 1, 0xffffffff, 0x7fffffff, 0x80000000)),
})
const damage = fc.array(fc.oneof(mutation([0, 1, 2, 3, 4, 8, 16, 64, 127, 128, 255]), word), {
  minLength: 1,
  maxLength: 4,
})

function damaged(bytes: Uint8Array, changes: typeof damage extends fc.Arbitrary<infer T> ? T : never) {
  let result = Uint8Array.from(bytes)
  for (const change of changes) {
    if ('kind' in change) result = mutate(result, change)
    else if (result.length >= 8) {
      const at = Math.floor((change.at * result.length) / 4) * 4
      if (at + 4 <= result.length) new DataView(result.buffer).setUint32(at, change.value, true)
    }
  }
  return result
}

const timeout = 600_000

// An instance of the library for each file takes 20 ms: minutes for ten thousand.
test.each([
  ['plain', 4_000],
  ['compressed', 3_000],
  ['keras3', 3_000],
])(
  '%s survives %i mutations',
  async (name, numRuns) => {
    const bytes = kerasFile(name)
    await fc.assert(
      fc.asyncProperty(damage, (changes) => opensOrRefuses(damaged(bytes, changes))),
      { seed: 20261126, numRuns },
    )
  },
  timeout,
)
