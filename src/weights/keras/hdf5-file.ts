import type { ByteSource } from '../byte-source.js'
import { elementCount } from '../weights-file.js'
import type { Hdf5Library, loadHdf5Library } from './hdf5-library.js'
import { Hdf5Sandbox, mountPoint } from './hdf5-sandbox.js'

/** In bytes. Attributes hold names, and the description of a network as JSON. */
const longestText = 16 * 1024 * 1024

const textType = 3 // H5T_STRING

/** A box of elements of a dataset: where it begins, and how many there are, in each dimension. */
export interface Box {
  readonly offset: readonly number[]
  readonly count: readonly number[]
}

/** An open HDF5 file. Groups, datasets and their attributes are named by their paths, as `/conv1/conv1/kernel:0`. */
export class Hdf5File {
  readonly #sandbox: Hdf5Sandbox
  readonly #id: bigint

  private constructor(
    readonly name: string,
    /** In bytes. */
    readonly size: number,
    sandbox: Hdf5Sandbox,
    id: bigint,
  ) {
    this.#sandbox = sandbox
    this.#id = id
  }

  /**
   * Opens a file; its source has to stay open. Node only.
   *
   * @param limit how many seconds each call of a method may take; a default that valid files do not come near
   * @param load makes the library; by default one for this file alone
   * @throws WeightsError where it is no HDF5 file, or h5wasm is not installed
   */
  static async open(source: ByteSource, limit?: number, load?: typeof loadHdf5Library): Promise<Hdf5File> {
    const sandbox = await Hdf5Sandbox.create(source, limit, load)
    const id = sandbox.run((library) => library.open(mountPoint, library.H5F_ACC_RDONLY, false, -1, -1))
    if (id < 0n) throw sandbox.error('an HDF5 file', `one that cannot be opened: ${sandbox.reason}`)
    return new Hdf5File(source.name, source.size, sandbox, id)
  }

  /**
   * Runs a task with the library and the file's id in it.
   *
   * @throws WeightsError where anything goes wrong in it; the file cannot be used any more then
   */
  run<T>(task: (library: Hdf5Library, id: bigint) => T): T {
    return this.#sandbox.run((library) => task(library, this.#id))
  }

  /**
   * Reads a box of elements of a dataset.
   *
   * @param bytes how many the box takes
   * @param use gets them, little-endian and in row-major order; they are gone when it returns
   * @throws WeightsError where they cannot be read
   */
  readBox(path: string, { offset, count }: Box, bytes: number, use: (bytes: Uint8Array) => void): void {
    const status = this.run((library, id) => {
      const address = allocate(library, bytes)
      const strides = count.map(() => 1n)
      const isScalar = count.length === 0
      const status = isScalar
        ? library.get_dataset_data(id, path, null, null, null, BigInt(address))
        : library.get_dataset_data(id, path, count.map(BigInt), offset.map(BigInt), strides, BigInt(address))
      if (status >= 0) use(library.HEAPU8.subarray(address, address + bytes))
      library._free(address)
      return status
    })
    if (status < 0) throw this.#sandbox.error('elements that can be read', this.#sandbox.reason, path.slice(1))
  }

  /**
   * The text of an attribute, or undefined where there is none of that name, or it is something else than one text.
   *
   * @throws WeightsError where it cannot be read
   */
  text(path: string, attribute: string): string | undefined {
    return this.run((library, id) => {
      if (!library.get_attribute_names(id, path).includes(attribute)) return undefined
      const { type, vlen, shape, size } = library.get_attribute_metadata(id, path, attribute)
      if (type !== textType || shape === null || elementCount(shape) !== 1 || size > longestText) return undefined
      const address = allocate(library, size + 1)
      library.HEAPU8[address + size] = 0
      if (library.get_attribute_data(id, path, attribute, BigInt(address)) < 0) return undefined
      const pointer = new DataView(library.HEAPU8.buffer).getUint32(address, true)
      const text = library.UTF8ToString(vlen ? pointer : address)
      if (vlen) library.reclaim_vlen_memory(id, path, attribute, BigInt(address))
      library._free(address)
      return text
    })
  }

  /** Frees what the library holds; the source stays open. */
  close(): void {
    this.#sandbox.close()
  }
}

/** Throws where the library's memory is full, which then takes the place of its own message. */
function allocate(library: Hdf5Library, bytes: number): number {
  const address = library._malloc(bytes)
  if (address === 0) throw new Error(`there is no room for ${bytes} bytes`)
  return address
}
