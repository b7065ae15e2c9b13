/**
 * Zip archives, the containers of PyTorch's and NumPy's files (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
 * yauzl reads their directory, also of archives and entries beyond 4 GiB (Zip64); what it does not check is checked here,
 * because archives come from anywhere: nothing may make a reader allocate, compute or look where it should not.
 */
import type { Entry, LocalFileHeader, ZipFile } from 'yauzl'
import { WeightsError } from '../device/errors.js'
import type { ByteSource } from './byte-source.js'

/** An entry of a zip archive; folders are none. Its content is read when it is asked for and never kept. */
export interface ZipEntry {
  readonly name: string
  /** Bytes, unpacked. */
  readonly size: number
  /** Where the bytes lie in the file, if they are stored as they are (not compressed). */
  readonly range: { readonly begin: number; readonly end: number } | undefined
  /** All of the unpacked bytes. Throws WeightsError where they are damaged or not as many as announced. */
  read(): Promise<Uint8Array<ArrayBuffer>>
  /**
   * The unpacked bytes from `begin` up to `end`, without the check that all of them allow (CRC-32). Of a compressed entry,
   * everything up to `end` is unpacked; only the part is in memory. Throws WeightsError where they are damaged or missing.
   */
  readPart(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}

/** What the directory says of an entry, and where its header and its data lie in the file. */
interface Located {
  readonly name: string
  readonly size: number
  readonly isCompressed: boolean
  /** Of the unpacked bytes; 0 where it was not computed, which PyTorch offers to save time. */
  readonly crc32: number
  readonly headerBegin: number
  readonly begin: number
  readonly end: number
}

/** Each entry has at least a header before its data and one in the directory. */
const smallestEntry = 30 + 46

/** Deflate needs two bits or more for 258 bytes: no honest entry unpacks to more than this many bytes per byte. */
const largestRatio = 1032

/**
 * How many bytes an archive of `size` bytes may unpack to in total. Weights look random and hardly shrink; an archive that
 * grows a hundredfold is one of zeros, or a bomb.
 */
export function largestUnpacked(size: number): number {
  return 64 * 1024 * 1024 + 100 * size
}

/**
 * Opens a zip archive: reads its directory, and the header of each entry. Refuses whatever is no plain archive of
 * weights: names that are doubtful (absolute, with `..` or a backslash) or occur twice, encryption, compression other than
 * deflate, entries that overlap each other or the directory, sizes that no file of this size can hold, and more than
 * `largestUnpacked` bytes in total.
 *
 * @returns the entries by name, in the order of the directory
 * @throws WeightsError where the archive is not valid
 */
export async function openZip(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const archive = await openArchive(source)
  const directoryBegin = Number(archive.readEntryCursor)
  checkCount(archive.entryCount, source)
  const entries = new Map<string, Entry>()
  for await (const entry of entriesOf(archive, source)) {
    checkEntry(entry, source)
    if (entries.has(entry.fileName)) throw damaged(source, 'every name once', `"${short(entry.fileName)}" twice`)
    entries.set(entry.fileName, entry)
  }
  checkUnpackedSize([...entries.values()], source)
  const located: Located[] = []
  for (const entry of entries.values()) located.push(await locate(archive, entry, source))
  checkRanges(located, directoryBegin, source)
  const files = located.filter(({ name }) => !name.endsWith('/'))
  return new Map(files.map((entry) => [entry.name, zipEntry(entry, source)]))
}

async function openArchive(source: ByteSource): Promise<ZipFile> {
  const { RandomAccessReader, fromRandomAccessReaderPromise } = await import('yauzl')
  const readAhead = inBlocks(source)
  class SourceReader extends RandomAccessReader {
    override read(
      target: Uint8Array,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null) => void,
    ): void {
      readAhead(position, position + length).then((bytes) => {
        target.set(bytes, offset)
        callback(null)
      }, callback)
    }
  }
  const options = { autoClose: false, strictFileNames: true, validateEntrySizes: true }
  return fromRandomAccessReaderPromise(new SourceReader(), source.size, options).catch(refuse(source))
}

/** Bytes that are read, inflated or summed up at a time. */
const headerBlock = 16 * 1024
const packedPiece = 64 * 1024
const inflatedPiece = 64 * 1024
const crcPiece = 1024 * 1024 * 1024

/** Reads ahead: yauzl asks for a few bytes at a time, and headers lie behind each other. */
function inBlocks(source: ByteSource): ByteSource['read'] {
  let from = 0
  let block = new Uint8Array()
  return async (begin, end) => {
    if (begin < from || end > from + block.length) {
      block = await source.read(begin, Math.max(end, Math.min(source.size, begin + headerBlock)))
      from = begin
    }
    return block.subarray(begin - from, end - from)
  }
}

async function* entriesOf(archive: ZipFile, source: ByteSource): AsyncGenerator<Entry, void> {
  const entries = archive.eachEntry()
  for (;;) {
    const next = await entries.next().catch(refuse(source))
    if (next.done === true) return
    yield next.value
  }
}

function checkCount(count: number, source: ByteSource): void {
  if (count * smallestEntry <= source.size) return
  throw damaged(source, `at most ${Math.floor(source.size / smallestEntry)} entries`, `${count} announced`)
}

function checkEntry({ fileName, uncompressedSize, compressedSize, ...entry }: Entry, source: ByteSource): void {
  const name = short(fileName)
  if (fileName.includes('\0')) throw damaged(source, 'names of readable characters', JSON.stringify(name))
  const isEncrypted = (entry.generalPurposeBitFlag & 1) !== 0
  if (isEncrypted) throw damaged(source, 'entries without a password', `"${name}", which is encrypted`)
  const { compressionMethod } = entry
  if (compressionMethod !== stored && compressionMethod !== deflated) {
    const expected = `"${name}" to be stored as it is or compressed by deflate`
    throw damaged(source, expected, `compression method ${compressionMethod}`)
  }
  if (uncompressedSize > largestRatio * compressedSize) {
    const expected = `at most ${largestRatio * compressedSize} bytes in "${name}", as ${compressedSize} can hold`
    throw damaged(source, expected, `${uncompressedSize} announced`)
  }
}

/** The compression methods that are read. */
const stored = 0
const deflated = 8

/** Reads the header in front of the data, which must tell the same as the directory: readers differ in which they believe. */
async function locate(archive: ZipFile, entry: Entry, source: ByteSource): Promise<Located> {
  const header: LocalFileHeader = await archive.readLocalFileHeaderPromise(entry).catch(refuse(source))
  const isSame = header.compressionMethod === entry.compressionMethod && header.fileName.equals(entry.fileNameRaw)
  if (!isSame) {
    const found = 'a header in front of its data that says otherwise'
    throw damaged(source, `"${short(entry.fileName)}" to be what the directory says`, found)
  }
  return {
    name: entry.fileName,
    size: entry.uncompressedSize,
    isCompressed: entry.compressionMethod === deflated,
    crc32: entry.crc32,
    headerBegin: entry.relativeOffsetOfLocalHeader,
    begin: header.fileDataStart,
    end: header.fileDataStart + entry.compressedSize,
  }
}

/** Entries that share their data are how a small archive unpacks to terabytes (https://www.bamsoftware.com/hacks/zipbomb). */
function checkRanges(entries: readonly Located[], directoryBegin: number, source: ByteSource): void {
  let covered = 0
  for (const { name, headerBegin, end } of entries.toSorted((a, b) => a.headerBegin - b.headerBegin)) {
    if (headerBegin < covered || end > directoryBegin) {
      const found = `bytes ${headerBegin} to ${end}, which are those of another or of the directory too`
      throw damaged(source, `"${short(name)}" to have bytes of its own`, found)
    }
    covered = end
  }
}

function checkUnpackedSize(entries: readonly Entry[], source: ByteSource): void {
  const total = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0)
  if (total <= largestUnpacked(source.size)) return
  const expected = `at most ${largestUnpacked(source.size)} bytes, unpacked, in an archive of ${source.size}`
  throw damaged(source, expected, `${total} announced`)
}

function zipEntry(entry: Located, source: ByteSource): ZipEntry {
  const { name, size, begin: dataBegin, end: dataEnd, isCompressed } = entry
  const readPart = async (begin: number, end: number) => {
    if (!(begin >= 0 && begin <= end && end <= size)) {
      throw damaged(source, `bytes ${begin} to ${end} of "${short(name)}"`, `${size} bytes`)
    }
    try {
      return await (isCompressed ? inflate(entry, source, begin, end) : source.read(dataBegin + begin, dataBegin + end))
    } catch (error) {
      throw refusal(source, error, `"${short(name)}" to be whole, and to fit into memory`)
    }
  }
  const read = async () => {
    const bytes = await readPart(0, size)
    const found = entry.crc32 === 0 ? 0 : await crc32(bytes)
    if (found === entry.crc32) return bytes
    const expected = `the data of "${short(name)}" with the CRC-32 ${hex(entry.crc32)}`
    throw damaged(source, expected, `${hex(found)}; it is damaged`)
  }
  return { name, size, range: isCompressed ? undefined : { begin: dataBegin, end: dataEnd }, read, readPart }
}

/** The part of an entry's unpacked bytes; all of them must be as many as announced. Stops as soon as it has them. */
async function inflate(
  entry: Located,
  source: ByteSource,
  begin: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { Readable, pipeline } = await import('node:stream')
  const { createInflateRaw } = await import('node:zlib')
  const part = new Uint8Array(end - begin)
  const unpacked = createInflateRaw({ chunkSize: inflatedPiece })
  pipeline(Readable.from(packedPieces(entry, source)), unpacked, () => undefined) // the loop below gets its errors
  let at = 0
  for await (const piece of unpacked as AsyncIterable<Uint8Array>) {
    const wanted = piece.subarray(Math.max(0, begin - at), Math.max(0, end - at))
    part.set(wanted, Math.max(0, at - begin))
    at += piece.length
    if (at > entry.size || (at >= end && end < entry.size)) break
  }
  const isAll = end < entry.size ? at >= end : at === entry.size
  if (isAll) return part
  const found = at > entry.size ? 'more' : `${at}`
  throw damaged(source, `${entry.size} bytes, unpacked, in "${short(entry.name)}"`, found)
}

async function* packedPieces({ begin, end }: Located, source: ByteSource): AsyncGenerator<Uint8Array, void> {
  for (let at = begin; at < end; at += packedPiece) yield source.read(at, Math.min(end, at + packedPiece))
}

async function crc32(bytes: Uint8Array): Promise<number> {
  const zlib = await import('node:zlib')
  let sum = 0
  // in pieces, because zlib counts bytes in 32 bits
  for (let at = 0; at < bytes.length; at += crcPiece) sum = zlib.crc32(bytes.subarray(at, at + crcPiece), sum)
  return sum
}

const hex = (value: number): string => value.toString(16).padStart(8, '0')

/** A name for a message: entries may have names of 64 KiB. */
const short = (name: string): string => name.slice(0, 100)

function damaged(source: ByteSource, expected: string, found: string): WeightsError {
  return new WeightsError(source.name, { expected: `a zip archive: ${expected}`, found })
}

/** Whatever a library or the source threw, as a WeightsError. */
function refusal(source: ByteSource, error: unknown, expected: string): WeightsError {
  if (error instanceof WeightsError) return error
  return damaged(source, expected, (error instanceof Error ? error.message : String(error)).slice(0, 200))
}

function refuse(source: ByteSource): (error: unknown) => never {
  return (error) => {
    throw refusal(source, error, 'a directory that is whole')
  }
}
