import { WeightsError } from '../device/errors.js'
import { atomicWrite } from './atomic-write.js'
import { recogniseFormat, sniffedBytes } from './file-format.js'
import { parseSafetensorsFile, safetensorsChunks } from './safetensors.js'
import type { StateDict, WeightsFile } from './state-dict.js'

/** Calls of read are kept to this many bytes; some systems refuse 2 GiB at once. */
const largestRead = 1024 * 1024 * 1024

const formatsRead = 'a safetensors file (the format that is read so far)'

/**
 * Reads a weights file; its content decides the format. Read so far: safetensors. Node only.
 *
 * @returns arrays with torchvision's names and layouts; those of F32 are views on the file's bytes
 * @throws WeightsError where the file is missing, of another format, truncated or wrong in any other way
 */
export async function readStateDict(file: string): Promise<WeightsFile> {
  const bytes = await readWhole(file, (start) => {
    const { format, foreign } = recogniseFormat(start, file)
    if (format === undefined) {
      throw new WeightsError(file, { expected: formatsRead, found: foreign ?? describeUnknown(start) })
    }
  })
  return parseSafetensorsFile(bytes, file)
}

/**
 * Writes a safetensors file, atomically: a reader finds the old file or the new one, never a part. Node only.
 * PyTorch loads it with `model.load_state_dict(safetensors.torch.load_file(file))`.
 *
 * @param file its name must end in `.safetensors`, the format that is written
 * @param metadata strings that `readStateDict` gives back
 * @throws WeightsError where an array does not fit its shape, or the file cannot be written; nothing is left behind
 */
export async function writeStateDict(
  file: string,
  stateDict: StateDict,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (!file.toLowerCase().endsWith('.safetensors')) {
    throw new WeightsError(file, {
      expected: 'a name that ends in .safetensors (the format that is written so far)',
      found: 'another',
    })
  }
  const chunks = safetensorsChunks(stateDict, metadata, file)
  try {
    await atomicWrite(file, chunks)
  } catch (error) {
    throw new WeightsError(file, { expected: 'a file that can be written', found: describeFailure(error) })
  }
}

/** Reads all of a file, after `check` has seen its beginning: a large file of a wrong format is refused unread. */
async function readWhole(file: string, check: (start: Uint8Array) => void): Promise<Uint8Array> {
  const { open, stat } = await import('node:fs/promises')
  try {
    const status = await stat(file) // before open(), which waits for ever on a pipe
    if (!status.isFile()) {
      throw new WeightsError(file, { expected: formatsRead, found: status.isDirectory() ? 'a folder' : 'a device' })
    }
    const handle = await open(file, 'r')
    try {
      const start = new Uint8Array(Math.min(sniffedBytes, status.size))
      await handle.read(start, 0, start.length, 0)
      check(start)
      const bytes = new Uint8Array(status.size)
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(largestRead, bytes.length - at), at)
        if (bytesRead === 0) return bytes.subarray(0, at) // cut off while it was read: the parser says so
        at += bytesRead
      }
      return bytes
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof WeightsError) throw error
    throw new WeightsError(file, { expected: formatsRead, found: describeFailure(error) })
  }
}

function describeUnknown(start: Uint8Array): string {
  if (start.length === 0) return 'an empty file'
  const hex = Array.from(start.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return `an unknown format (its first bytes are ${hex})`
}

/** The reason of a failed file operation, in words where it is a common one. */
function describeFailure(error: unknown): string {
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
