import { WeightsError } from '../device/errors.js'

/** Calls of read are kept to this many bytes; some systems refuse 2 GiB at once. */
const largestRead = 1024 * 1024 * 1024

/** The bytes of a file, read where they are needed: no reader holds a whole file. */
export interface ByteSource {
  /** What errors call it: the file's path. */
  readonly name: string
  /** In bytes. */
  readonly size: number
  /**
   * The bytes from `begin` up to `end`, exactly; the caller may keep them and must not change them.
   *
   * @param scratch memory to read into instead of new one, if it is large enough
   * @throws WeightsError where the range is not in the file, or it cannot be read
   */
  read(begin: number, end: number, scratch?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Copies bytes from `begin` on into `target` at once, for libraries that cannot wait. Gives how many there were: fewer
   * than `target` holds at the end of the file.
   */
  readSync?(target: Uint8Array, begin: number): number
  close(): Promise<void>
}

/** Bytes in memory as a source; what it reads are views. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (begin, end) => {
      checkRange(name, begin, end, bytes.length)
      return Promise.resolve(bytes.subarray(begin, end))
    },
    readSync: (target, begin) => {
      const found = bytes.subarray(begin, begin + target.length)
      target.set(found)
      return found.length
    },
    close: () => Promise.resolve(),
  }
}

/**
 * Opens a file. Every read gives new memory, which begins at offset 0 of its `ArrayBuffer`. Node only.
 *
 * @throws WeightsError where it is missing, no ordinary file, or cannot be opened
 */
export async function fileSource(file: string): Promise<ByteSource> {
  const { open, stat } = await import('node:fs/promises')
  const { readSync } = await import('node:fs')
  const expected = 'a weights file'
  const handle = await (async () => {
    const status = await stat(file) // before open(), which waits for ever on a pipe
    if (status.isFile()) return open(file, 'r')
    throw new WeightsError(file, { expected, found: status.isDirectory() ? 'a folder' : 'a device' })
  })().catch((error: unknown) => {
    throw error instanceof WeightsError ? error : new WeightsError(file, { expected, found: describeFailure(error) })
  })
  const { size } = await handle.stat()
  return {
    name: file,
    size,
    close: () => handle.close(),
    readSync: (target, begin) => readSync(handle.fd, target, 0, target.length, begin),
    read: async (begin, end, scratch) => {
      checkRange(file, begin, end, size)
      const length = end - begin
      const bytes = scratch && scratch.length >= length ? scratch.subarray(0, length) : allocate(length, file)
      for (let at = 0; at < bytes.length;) {
        const most = Math.min(largestRead, bytes.length - at)
        const { bytesRead } = await handle.read(bytes, at, most, begin + at).catch((error: unknown) => {
          throw new WeightsError(file, { expected: 'a file that can be read', found: describeFailure(error) })
        })
        if (bytesRead === 0) {
          const found = `${begin + at}; it was cut off while it was read`
          throw new WeightsError(file, { expected: `a file of ${size} bytes`, found })
        }
        at += bytesRead
      }
      return bytes
    },
  }
}

function allocate(bytes: number, file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch {
    throw new WeightsError(file, { expected: 'parts that fit into memory', found: `one of ${bytes} bytes` })
  }
}

function checkRange(name: string, begin: number, end: number, size: number): void {
  if (begin >= 0 && begin <= end && end <= size) return
  throw new WeightsError(name, {
    expected: `bytes ${begin} to ${end} of the file`,
    found: `a file of ${size} bytes; it is truncated or damaged`,
  })
}

/** The reason of a failed file operation, in words where it is a common one. */
export function describeFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EISDIR: 'a folder',
    EACCES: 'no permission',
    EPERM: 'no permission',
    ENOSPC: 'no space left on the disk',
    EROFS: 'a read-only file system',
  }
  return words[code] ?? (error instanceof Error ? error.message : String(error))
}
