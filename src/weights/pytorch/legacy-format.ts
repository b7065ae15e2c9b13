/**
 * The format of `torch.save` before PyTorch 1.6: five pickles (a magic number, a version, the writer's byte order, what was
 * saved, and the keys of its storages), then each storage in that order: its number of elements in eight bytes, and these.
 */
import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { PickleEndedError } from './byte-reader.js'
import { largestPickle, pickleFailure } from './pickle-failure.js'
import type { Storages } from './storages.js'
import { storageElementSize } from './storage-reference.js'
import { type Unpickled, unpickle } from './unpickle.js'
import { describePickled, type PersistentId, PickleDict, PickleList, type PickleValue } from './values.js'

/** What `torch.save` begins with: an integer of ten bytes. */
const magicNumber = 0x1950a86a20f9469cfc6cn

const version = 1001

/** How much of a file is read first; more where the pickles need it. */
const firstWindow = 1024 * 1024

const pickleCount = 5

export async function openLegacyFormat(source: ByteSource): Promise<Storages> {
  const pickles = await readPickles(source)
  const [, protocol, system, saved, keys] = pickles as [Unpickled, Unpickled, Unpickled, Unpickled, Unpickled]
  checkBeginning(protocol.value, system.value, source.name)
  const places = await locateStorages(source, keys, elementSizesOf(saved.persistentIds))
  return {
    value: saved.value,
    sizeOf: (key) => {
      const place = places.get(key)
      return place && place.end - place.begin
    },
    isCompressed: () => false,
    read: (key, begin, end) => {
      const place = places.get(key)!
      return source.read(place.begin + begin, place.begin + end)
    },
  }
}

/** The pickles, from a part of the file that has them all: their length is not known before they are read. */
async function readPickles(source: ByteSource): Promise<Unpickled[]> {
  for (let window = firstWindow; ; window *= 4) {
    const bytes = await source.read(0, Math.min(window, source.size))
    const pickles: Unpickled[] = []
    try {
      while (pickles.length < pickleCount) {
        pickles.push(unpickle(bytes, pickles.at(-1)?.end))
        checkMagic(pickles[0]?.value, source.name)
      }
      return pickles
    } catch (error) {
      if (!(error instanceof PickleEndedError) || window >= source.size) throw pickleFailure(error, source.name)
      if (pickles.length === 0) checkMagic(undefined, source.name)
      if (window >= largestPickle) {
        throw new WeightsError(source.name, { expected: `pickles of at most ${largestPickle} bytes`, found: 'more' })
      }
    }
  }
}

/** @param value `undefined` for one that is too long for a number */
function checkMagic(value: PickleValue | undefined, file: string): void {
  if (value === magicNumber) return
  throw new WeightsError(file, {
    expected: 'a file of torch.save, which begins with its magic number',
    found: `a pickle of something else: ${value === undefined ? 'a long one' : describePickled(value)}`,
  })
}

function checkBeginning(protocol: PickleValue, system: PickleValue, file: string): void {
  if (protocol !== version) {
    throw new WeightsError(file, { expected: `version ${version} of the format`, found: describePickled(protocol) })
  }
  const isLittleEndian = system instanceof PickleDict ? system.entries.get('little_endian') : undefined
  if (isLittleEndian !== true) {
    throw new WeightsError(file, { expected: 'little-endian numbers', found: 'a file of a big-endian machine' })
  }
}

/** By the keys of storages. */
function elementSizesOf(ids: readonly PersistentId[]): Map<string, number | undefined> {
  const sizes = new Map<string, number | undefined>()
  for (const id of ids) {
    const storage = storageElementSize(id)
    if (storage) sizes.set(storage.key, storage.elementSize)
  }
  return sizes
}

const lengthBytes = 8

async function locateStorages(
  source: ByteSource,
  { value: keys, end }: Unpickled,
  elementSizes: ReadonlyMap<string, number | undefined>,
): Promise<Map<string, { begin: number; end: number }>> {
  if (!(keys instanceof PickleList)) {
    throw new WeightsError(source.name, { expected: 'a list of the keys of storages', found: 'something else' })
  }
  const places = new Map<string, { begin: number; end: number }>()
  let at = end
  for (const key of keys.items) {
    const elementSize = typeof key === 'string' ? elementSizes.get(key) : undefined
    if (typeof key !== 'string' || elementSize === undefined || places.has(key)) {
      const found = `the key ${describePickled(key)} of none, or of one that is there already`
      throw new WeightsError(source.name, { expected: 'storages of a known type', found })
    }
    const begin = at + lengthBytes
    const bytes = await source.read(at, begin)
    const count = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
    if (count * BigInt(elementSize) > BigInt(source.size - begin)) {
      throw new WeightsError(source.name, {
        expected: `${count} elements of ${elementSize} bytes from byte ${begin} on`,
        found: `a file of ${source.size} bytes; it is truncated or damaged`,
      })
    }
    at = begin + Number(count) * elementSize
    places.set(key, { begin, end: at })
  }
  return places
}
