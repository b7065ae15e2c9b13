/** Zip archives and NPY files that a test writes itself, so that they may be wrong in any way. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface RawEntry {
  readonly name: string
  /** As they lie in the archive. */
  readonly bytes: Uint8Array
  readonly method?: number
  /** What both headers say of it; the truth where nothing is given. */
  readonly flags?: number
  readonly crc?: number
  readonly size?: number
  readonly packedSize?: number
  /** What only one of the headers says. */
  readonly localName?: string
  readonly localMethod?: number
  readonly localExtra?: Uint8Array
  readonly offset?: number
  readonly directoryExtra?: Uint8Array
}

export const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)

export const stored = (name: string, bytes: Uint8Array, lies: Partial<RawEntry> = {}): RawEntry => ({
  name,
  bytes,
  ...lies,
})

export const deflated = (name: string, bytes: Uint8Array, lies: Partial<RawEntry> = {}): RawEntry => ({
  name,
  bytes: deflateRawSync(bytes),
  method: 8,
  size: bytes.length,
  crc: crc32(bytes),
  ...lies,
})

/** A zip archive without Zip64. Entries follow each other from byte 0, then the directory. */
export function rawZip(
  entries: readonly RawEntry[],
  { count = entries.length, directoryOffset, comment = '' }: Partial<RawDirectory> = {},
): Uint8Array<ArrayBuffer> {
  const data: Uint8Array[] = []
  const directory: Uint8Array[] = []
  for (const entry of entries) {
    directory.push(directoryHeader(entry, lengthOf(data)))
    data.push(localHeader(entry), entry.bytes)
  }
  const begin = directoryOffset ?? lengthOf(data)
  const end = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, lengthOf(directory)],
    [4, begin],
    [2, comment.length],
  )
  return joined([...data, ...directory, end, text(comment)])
}

interface RawDirectory {
  readonly count: number
  readonly directoryOffset: number
  readonly comment: string
}

function localHeader(entry: RawEntry): Uint8Array {
  const name = text(entry.localName ?? entry.name)
  const extra = entry.localExtra ?? new Uint8Array()
  const method = entry.localMethod ?? entry.method ?? 0
  const header = fields([4, 0x04034b50], [2, 20], [2, entry.flags ?? 0x800], [2, method], [4, 0x210000])
  return joined([header, sizes(entry), fields([2, name.length], [2, extra.length]), name, extra])
}

function directoryHeader(entry: RawEntry, offset: number): Uint8Array {
  const name = text(entry.name)
  const extra = entry.directoryExtra ?? new Uint8Array()
  const begin = fields([4, 0x02014b50], [2, 20], [2, 20], [2, entry.flags ?? 0x800], [2, entry.method ?? 0])
  const end = fields([2, 0], [2, 0], [2, 0], [4, 0], [4, entry.offset ?? offset])
  const lengths = fields([2, name.length], [2, extra.length])
  return joined([begin, fields([4, 0x210000]), sizes(entry), lengths, end, name, extra])
}

function sizes({ bytes, crc, size, packedSize }: RawEntry): Uint8Array {
  return fields([4, crc ?? crc32(bytes)], [4, packedSize ?? bytes.length], [4, size ?? bytes.length])
}

/** Little-endian integers, each as [bytes, value]. */
export function fields(...parts: readonly (readonly [bytes: number, value: number])[]): Uint8Array<ArrayBuffer> {
  return joined(
    parts.map(([bytes, value]) => Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256)),
  )
}

const lengthOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0)

export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(pieces))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** An NPY file. The header is not padded, and its text and everything else may be wrong. */
export function rawNpy(
  header: string,
  data: Uint8Array = new Uint8Array(),
  { version = [1, 0], length }: { version?: readonly [number, number]; length?: number } = {},
): Uint8Array<ArrayBuffer> {
  const encoded = version[0] === 3 ? text(header) : Uint8Array.from(header, (character) => character.charCodeAt(0))
  const lengthField = fields([version[0] === 1 ? 2 : 4, length ?? encoded.length])
  return joined([Uint8Array.of(0x93, ...text('NUMPY'), ...version), lengthField, encoded, data])
}

/** The text of a header, of which each part may be wrong. */
export function npyText(descr: string, shape: string, fortranOrder = 'False'): string {
  return `{'descr': ${descr}, 'fortran_order': ${fortranOrder}, 'shape': ${shape}, }\n`
}

/** The bytes of numbers. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
