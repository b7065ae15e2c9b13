/** Files that are complete or not there at all. Node's modules are imported where they are used: browsers load this file too. */

/** Calls of write are kept to this many bytes; some systems refuse 2 GiB at once. */
const largestWrite = 64 * 1024 * 1024

/**
 * Writes a file so that a reader, and a machine that loses power, finds the old content or the new one and never a
 * part: the bytes go to a temporary name in the same folder, to the disk, and then take the file's name. On failure
 * the temporary file is removed and the old content stays. Node only. The folder must exist.
 *
 * @param content text (written as UTF-8), bytes, or pieces that are written one after the other
 * @throws the error of the file system as it is, or what iterating over `content` throws
 */
export async function atomicWrite(
  file: string,
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const fs = await import('node:fs/promises')
  const path = await import('node:path')
  const folder = path.dirname(file)
  const temporary = path.join(folder, `.${path.basename(file)}.${crypto.randomUUID()}.tmp`)
  try {
    const handle = await fs.open(temporary, 'wx')
    try {
      for await (const piece of pieces(content)) {
        for (let at = 0; at < piece.length;) {
          const { bytesWritten } = await handle.write(piece, at, Math.min(largestWrite, piece.length - at))
          at += bytesWritten
        }
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await fs.rename(temporary, file)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

function pieces<T extends Iterable<Uint8Array> | AsyncIterable<Uint8Array>>(content: string | Uint8Array | T) {
  if (typeof content === 'string') return [new TextEncoder().encode(content)]
  return content instanceof Uint8Array ? [content] : content
}

/** Makes the new name durable too, where that can be asked for: Windows opens no folders, nor do some network drives. */
export async function syncFolder(folder: string): Promise<void> {
  const { open } = await import('node:fs/promises')
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // The file itself is complete and in place.
  }
}
