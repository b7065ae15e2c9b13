import type { PickleValue } from './values.js'

/** Where a container keeps its tensors' data. */
export interface Storages {
  /** What was saved. */
  readonly value: PickleValue
  /** The size in bytes of a storage, or undefined where the file has none of this key. */
  sizeOf(key: string): number | undefined
  /** Whether a storage is compressed: reading a part of it unpacks all that is in front of that, too. */
  isCompressed(key: string): boolean
  /** A part of a storage; `begin` and `end` are in bytes. */
  read(key: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}
