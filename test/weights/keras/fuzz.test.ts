import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { Hdf5File } from '../../../src/weights/keras/hdf5-file.js'
import { type Hdf5Library, type LibraryOptions, loadHdf5Library } from '../../../src/weights/keras/hdf5-library.js'
import { mountPoint } from '../../../src/weights/keras/hdf5-sandbox.js'
import { readKeras } from '../../../src/weights/keras/reader.js'
import { elementCount } from '../../../src/weights/index.js'
import { anywhere, mutate, mutation } from '../../support/mutations.js'
import { kerasFile } from './files.js'

/** In seconds. A damaged file can trap the HDF5 library in an endless loop: seen once in a hundred thousand. */
const limit = 2

/**
 * Makes an instance of the library for many files, one after the other, and another one once a file did more to it than
 * to be refused. One for each file takes 20 ms: minutes for ten thousand.
 */
class SharedLibrary {
  #library: Hdf5Library | undefined
  #options: LibraryOptions | undefined

  readonly load = async (file: string, options: LibraryOptions): Promise<Hdf5Library> => {
    this.#options = options
    this.#library ??= await loadHdf5Library(file, {
      log: (line) => this.#options?.log(line),
      refuseMemory: (bytes) => this.#options?.refuseMemory(bytes) ?? false,
    })
    return this.#library
  }

  /** Takes the file out of it. */
  release(file: Hdf5File | undefined): void {
    try {
      file?.run((library, id) => library.close_file(id))
      this.#library?.FS.unlink(mountPoint)
    } catch {
      this.#library = undefined
    }
  }
}

const shared = new SharedLibrary()

/** Either tensors whose arrays have the size of their shapes, or a WeightsError: nothing else may come out. */
async function opensOrRefuses(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const source = bytesSource(bytes, 'fuzz.h5')
  let file: Hdf5File | undefined
  try {
    file = await Hdf5File.open(source, limit, shared.load)
    for (const tensor of readKeras(file, source).tensors.values()) {
      const { data, shape } = await tensor.read()
      expect(data.length).toBe(elementCount(shape))
      expect(data.byteLength).toBeLessThanOrEqual(110 * bytes.length)
    }
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
  } finally {
    shared.release(file)
  }
}

/** What is damaged in HDF5 are addresses and sizes, of 4 or 8 bytes at multiples of 4 or 8. */
const word = fc.record({
  at: anywhere,
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

const timeout = 300_000

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
