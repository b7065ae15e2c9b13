/** h5wasm (https://github.com/usnistgov/h5wasm): the HDF5 library, compiled to WebAssembly. */
import { WeightsError } from '../../device/errors.js'

/** What is read of the description of a dataset or an attribute; see h5wasm's `Metadata`. */
export interface Hdf5Metadata {
  /** `H5T_class_t`: 0 for integers, 1 for floats, 3 for text, 5 for opaque bytes. */
  readonly type: number
  /** Bytes of an element. */
  readonly size: number
  /** Whether elements are texts of any length. */
  readonly vlen: boolean
  /** Null where there are no elements at all. */
  readonly shape: readonly number[] | null
  readonly chunks: readonly number[] | null
  /** Present where the elements are those of other datasets. */
  readonly virtual_sources?: readonly unknown[]
}

/** What is used of h5wasm's module. Objects are named by their paths; an `id` is that of an open file. */
export interface Hdf5Library {
  readonly HEAPU8: Uint8Array
  readonly FS: Hdf5FileSystem
  readonly H5F_ACC_RDONLY: number
  readonly H5G_GROUP: number
  readonly H5G_DATASET: number
  _malloc(bytes: number): number
  _free(address: number): void
  UTF8ToString(address: number): string
  /** Negative where the file cannot be opened. */
  open(path: string, mode: number, trackOrder: boolean, oldest: number, newest: number): bigint
  close_file(id: bigint): number
  get_names(id: bigint, group: string, recursive: boolean): string[]
  get_type(id: bigint, path: string): number
  /** Null where the link is not a symbolic one. */
  get_symbolic_link(id: bigint, path: string): string | null
  get_external_link(id: bigint, path: string): { readonly filename?: string }
  get_dataset_metadata(id: bigint, path: string): Hdf5Metadata
  get_dataset_filters(id: bigint, path: string): { readonly id: number; readonly name: string }[]
  /** Reads a box of elements, or all of them where its arguments are null. Negative where it fails. */
  get_dataset_data(
    id: bigint,
    path: string,
    count: bigint[] | null,
    offset: bigint[] | null,
    strides: bigint[] | null,
    address: bigint,
  ): number
  get_attribute_names(id: bigint, path: string): string[]
  get_attribute_metadata(id: bigint, path: string, attribute: string): Hdf5Metadata
  get_attribute_data(id: bigint, path: string, attribute: string, address: bigint): number
  reclaim_vlen_memory(id: bigint, path: string, attribute: string, address: bigint): number
}

/** Emscripten's file system in memory: nothing of the machine's own files is in it. */
interface Hdf5FileSystem {
  create(path: string): Hdf5FileNode
  unlink(path: string): void
}

interface Hdf5FileNode {
  usedBytes: number
  stream_ops: object
}

/**
 * Makes an instance of the library. Each has memory of its own: whatever a damaged file does to one touches no other,
 * and dropping it frees all that it held. Takes about 20 ms. Node only.
 *
 * It is h5wasm's build for browsers, which runs in Node as well: its build for Node would let a file that names other
 * files read any of this machine.
 *
 * @param file what needs it, for errors
 * @throws WeightsError where the optional package is not installed
 */
export async function loadHdf5Library(
  file: string,
  { log, refuseMemory }: LibraryOptions,
  packageName = 'h5wasm',
): Promise<Hdf5Library> {
  const factory = await importFactory(packageName).catch(() => {
    throw new WeightsError(file, {
      expected: `the optional package ${packageName}, which reads HDF5 files`,
      found: `it is not installed; run \`npm install ${packageName}\``,
    })
  })
  let memory = new Uint8Array() as Uint8Array
  let bytes = 0 // memory.length is 0 as soon as it has grown
  return factory({
    noInitialRun: true,
    print: log,
    printErr: log,
    // Emscripten sets it first, and again whenever the memory has grown.
    get HEAPU8() {
      return memory
    },
    set HEAPU8(grown: Uint8Array) {
      // It cannot be refused memory. Without what was in it, it does not get far: its next pointer leads nowhere.
      if (refuseMemory(grown.length)) grown.fill(0xff, 0, bytes)
      memory = grown
      bytes = grown.length
    },
  })
}

export interface LibraryOptions {
  /** Takes the library's messages, line by line, instead of the console. */
  readonly log: (line: string) => void
  /** Whether the library may not have so many bytes of memory; it is brought down then. */
  readonly refuseMemory: (bytes: number) => boolean
}

type Factory = (options: object) => Promise<Hdf5Library>

/** The package's own entry makes one instance that lives as long as the process; it is made of the file beside it. */
async function importFactory(packageName: string): Promise<Factory> {
  const entry = import.meta.resolve(packageName)
  const module = (await import(new URL('hdf5_util.js', entry).href)) as { default: Factory }
  return module.default
}

/** A place for a file in an instance: what the library reads of it comes from `read`, and is never kept. */
export function mountFile(
  { FS }: Hdf5Library,
  path: string,
  size: number,
  read: (target: Uint8Array, begin: number) => number,
): void {
  const node = FS.create(path)
  node.usedBytes = size
  node.stream_ops = {
    ...node.stream_ops,
    read: (_stream: unknown, memory: Int8Array, offset: number, length: number, position: number) =>
      read(new Uint8Array(memory.buffer, memory.byteOffset + offset, length), position),
  }
}
