import { WeightsError } from '../../device/errors.js'
import type { ElementType } from '../element-types.js'
import { elementCount } from '../weights-file.js'
import type { Hdf5File } from './hdf5-file.js'
import type { Hdf5Library, Hdf5Metadata } from './hdf5-library.js'

/** A dataset of floats. */
export interface Hdf5Dataset {
  /** From the root, as `/conv1/conv1/kernel:0`. */
  readonly path: string
  readonly shape: readonly number[]
  readonly storedType: ElementType
}

/** The deepest networks have some thousands of groups and datasets, and Keras nests them some levels deep. */
const mostObjects = 100_000
const deepestGroup = 16

/** In bytes; the library holds a chunk as a whole. NumPy users have chunks of a megabyte. */
const largestChunk = 64 * 1024 * 1024

/** How much smaller than its elements a compressed dataset may be. gzip takes a tenth off weights, rarely more than half. */
const largestRatio = 100

/** By `H5T_class_t` and size. Anything else is no weight: counters, seeds of random generators, texts. */
const floatTypes: Readonly<Record<number, ElementType>> = { 2: 'float16', 4: 'float32', 8: 'float64' }
const floatClass = 1

/** What the library undoes without plugins. */
const knownFilters = [1, 2, 3] // gzip, shuffle, fletcher32

/**
 * Finds all datasets of floats below a group, in the order of their names or, where the file keeps it, of their creation.
 * Together they may not be larger than the file can be: a few bytes can claim any size.
 *
 * @throws WeightsError where one is in another file, cannot be read, or claims too much
 */
export function listDatasets(file: Hdf5File, root: string): Hdf5Dataset[] {
  return file.run((library, id) => new Walk(file, library, id).below(root))
}

class Walk {
  #objects = 0
  /** How many bytes of the file are not claimed yet. */
  #unclaimed: number

  constructor(
    readonly file: Hdf5File,
    readonly library: Hdf5Library,
    readonly id: bigint,
  ) {
    this.#unclaimed = file.size
  }

  /** Hard links may lead in a circle, which the limits on depth and number end. */
  below(group: string, depth = 1): Hdf5Dataset[] {
    const { library, id } = this
    if (depth > deepestGroup) throw this.#error(group, `at most ${deepestGroup} groups in each other`, 'more')
    return library.get_names(id, group, false).flatMap((name) => {
      const path = group === '/' ? `/${name}` : `${group}/${name}`
      if (++this.#objects > mostObjects) throw this.#error(path, `at most ${mostObjects} groups and datasets`, 'more')
      this.#refuseLink(path)
      const type = library.get_type(id, path)
      if (type === library.H5G_GROUP) return this.below(path, depth + 1)
      return type === library.H5G_DATASET ? this.#dataset(path) : []
    })
  }

  /** Keras makes none. They may lead to other files, or to nothing. */
  #refuseLink(path: string): void {
    const { library, id } = this
    const target = library.get_symbolic_link(id, path) ?? library.get_external_link(id, path).filename
    if (target !== undefined) throw this.#error(path, 'a group or a dataset', `a link to "${target.slice(0, 200)}"`)
  }

  #dataset(path: string): Hdf5Dataset[] {
    const metadata = this.library.get_dataset_metadata(this.id, path)
    const { type, size, shape } = metadata
    const storedType = type === floatClass ? floatTypes[size] : undefined
    if (storedType === undefined || shape === null) return []
    if (metadata.virtual_sources) throw this.#error(path, 'elements of its own', 'those of other datasets')
    if (!Number.isSafeInteger(elementCount(shape) * size)) {
      throw this.#error(path, 'a shape whose size in bytes is below 2^53', `[${shape.join(', ')}]`)
    }
    this.#checkFilters(path)
    this.#claim(path, metadata)
    return [{ path, shape, storedType }]
  }

  #checkFilters(path: string): void {
    const filters = this.library.get_dataset_filters(this.id, path)
    const ids = filters.map(({ id }) => id)
    const strange = filters.find(({ id }, index) => !knownFilters.includes(id) || ids.indexOf(id) !== index)
    if (!strange) return
    const found = `the filter "${strange.name.slice(0, 60)}" (${strange.id})`
    throw this.#error(path, 'no compression but gzip; save the file again without it', found)
  }

  #claim(path: string, { size, chunks, shape }: Hdf5Metadata): void {
    const bytes = elementCount(shape!) * size
    const chunk = chunks === null ? 0 : elementCount(chunks) * size
    if (chunk > largestChunk) {
      throw this.#error(path, `chunks of at most ${largestChunk} bytes`, `[${chunks!.join(', ')}], ${chunk} bytes`)
    }
    const least = chunks === null ? bytes : Math.ceil(bytes / largestRatio)
    if (least > this.#unclaimed) {
      const reason = chunks === null ? 'it is truncated or damaged' : 'no weights can be compressed to that'
      const found = `${this.#unclaimed} bytes of the file that no other has; ${reason}`
      throw this.#error(path, `${bytes} bytes for the shape [${shape!.join(', ')}]`, found)
    }
    this.#unclaimed -= least
  }

  #error(path: string, expected: string, found: string): WeightsError {
    return new WeightsError(this.file.name, { tensor: path.slice(1), expected, found })
  }
}
