import { DataError, formatBytes } from '../device/errors.js'

/** No data set's file unpacks to more; a small hostile .gz could ask for any amount of memory. */
const largestUnpacked = 1024 * 1024 * 1024

/**
 * Reads a file of a data set, and unpacks it if it is gzip, whatever its name. Node only.
 *
 * @throws DataError where it cannot be read or its compressed data is damaged
 */
export async function readMaybeGzipped(file: string): Promise<Uint8Array> {
  const { readFile } = await import('node:fs/promises')
  let bytes: Uint8Array
  try {
    bytes = plain(await readFile(file))
  } catch (error) {
    throw new DataError(file, 'a file that can be read', messageOf(error))
  }
  return isGzip(bytes) ? await gunzip(bytes, file) : bytes
}

/**
 * Reads a whole file of a known largest size. Node only.
 *
 * @throws DataError where there is none, it is a folder or a device (which might never end), or it is larger
 */
export async function readRegularFile(file: string, maximum: number): Promise<Uint8Array> {
  const { readFile, stat } = await import('node:fs/promises')
  const fail = (found: string): never => {
    throw new DataError(file, `a file of at most ${formatBytes(maximum)}`, found)
  }
  const status = await stat(file).catch((error: unknown) => fail(messageOf(error)))
  if (!status.isFile()) fail(status.isDirectory() ? 'a folder' : 'something else than a file')
  if (status.size > maximum) fail(formatBytes(status.size))
  return plain(await readFile(file).catch((error: unknown) => fail(messageOf(error))))
}

/** Whether the bytes begin as a gzip file does (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/**
 * Unpacks gzip data. Node only.
 *
 * @param source what errors call the data
 * @throws DataError where it is damaged, truncated, or unpacks to more than `maximum` bytes
 */
export async function gunzip(bytes: Uint8Array, source: string, maximum = largestUnpacked): Promise<Uint8Array> {
  const zlib = await import('node:zlib')
  return await new Promise((resolve, reject) => {
    zlib.gunzip(bytes, { maxOutputLength: maximum }, (error, unpacked) => {
      if (error === null) resolve(plain(unpacked))
      else reject(new DataError(source, `gzip data of at most ${maximum} bytes unpacked`, messageOf(error)))
    })
  })
}

/** The same bytes as no Buffer: a Buffer's slice() is a view, where callers of a Uint8Array count on a copy. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
