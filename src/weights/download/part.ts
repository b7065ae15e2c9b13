import { WeightsError } from '../../device/errors.js'
import { syncFolder } from '../../device/node/atomic-write.js'
import { describeFailure } from '../byte-source.js'
import { isObject } from '../json.js'
import {
  claimPartFolder,
  dataName,
  originName,
  releasePartFolder,
  removeAbandonedParts,
  removePartFolder,
} from './part-folder.js'
import type { Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

/** What the server said about the file when it sent the first bytes; the rest has to be of the same file. */
export interface Origin {
  /** The address that was asked for, without its query: it is written to the disk. */
  readonly address: string
  /** The size of the whole file in bytes, where it was told. */
  readonly total?: number
  /** The headers `ETag` and `Last-Modified`. */
  readonly etag?: string
  readonly lastModified?: string
}

/**
 * The first bytes of a file that is being downloaded, with their SHA-256. They outlive the process, together with where
 * they came from. Every method throws a WeightsError that names the destination where the disk does not play along.
 */
export class Part {
  #length = 0
  #inherited = 0
  #origin: Origin | undefined

  private constructor(
    readonly destination: string,
    private folder: string,
    private data: FileHandle,
    private hash: Hash,
  ) {}

  /** Continues what an earlier download left of this file, or begins with nothing. */
  static async open(destination: string): Promise<Part> {
    return onDisk(destination, async () => {
      const [{ mkdir }, path] = await Promise.all([import('node:fs/promises'), import('node:path')])
      await mkdir(path.dirname(destination), { recursive: true })
      const folder = await claimPartFolder(destination)
      const part = new Part(destination, folder, await openData(folder), await newHash())
      await part.#takeOver()
      return part
    })
  }

  /** The number of bytes that are there. */
  get length(): number {
    return this.#length
  }

  /** How many of them an earlier download had left. */
  get inherited(): number {
    return this.#inherited
  }

  /** Where they came from; undefined as long as there are none. */
  get origin(): Origin | undefined {
    return this.#origin
  }

  /** The SHA-256 of the bytes that are there, in hexadecimal digits. */
  sha256(): string {
    return this.hash.copy().digest('hex')
  }

  /**
   * Says that this process still works on it. Where the folder has been removed, or taken over while this process was
   * suspended, it continues with what there is now.
   */
  async keep(): Promise<void> {
    const { utimes } = await import('node:fs/promises')
    const now = new Date()
    const isHere = await utimes(`${this.folder}/${dataName}`, now, now).then(
      () => true,
      () => false,
    )
    if (isHere) return
    await this.data.close()
    const next = await Part.open(this.destination)
    this.folder = next.folder
    this.data = next.data
    this.hash = next.hash
    this.#length = next.#length
    this.#inherited = next.#inherited
    this.#origin = next.#origin
  }

  /** Forgets the bytes. With an origin, those that follow come from there. */
  async startOver(origin?: Origin): Promise<void> {
    this.#length = 0
    this.#inherited = 0
    this.#origin = origin
    this.hash = await newHash()
    await onDisk(this.destination, async () => {
      await this.data.truncate(0)
      if (origin !== undefined) await writeOrigin(this.folder, origin)
    })
  }

  async append(bytes: Uint8Array): Promise<void> {
    await onDisk(this.destination, async () => {
      for (let at = 0; at < bytes.length;) {
        at += (await this.data.write(bytes, at, bytes.length - at, this.#length + at)).bytesWritten
      }
    })
    this.hash.update(bytes)
    this.#length += bytes.length
  }

  /** All bytes are there and right: gives them the file's name, durably. */
  async finish(): Promise<void> {
    await onDisk(this.destination, async () => {
      const [{ rename }, path] = await Promise.all([import('node:fs/promises'), import('node:path')])
      await this.data.sync()
      await this.data.close()
      await rename(`${this.folder}/${dataName}`, this.destination)
      await syncFolder(path.dirname(this.destination))
    })
    await removePartFolder(this.folder)
    await removeAbandonedParts(this.destination)
  }

  /** Closes it, and leaves what is there to a later download. */
  async release(): Promise<void> {
    await this.data.close()
    await (this.#length > 0 ? releasePartFolder(this.folder, this.destination) : removePartFolder(this.folder))
  }

  /** Hashes the bytes that lie in the folder, where it is known of which file they are. */
  async #takeOver(): Promise<void> {
    const { size } = await this.data.stat()
    if (size === 0) return
    const origin = await readOrigin(this.folder)
    if (origin === undefined || size > (origin.total ?? size)) return this.startOver()
    const block = new Uint8Array(1024 * 1024)
    while (this.#length < size) {
      const { bytesRead } = await this.data.read(block, 0, block.length, this.#length)
      if (bytesRead === 0) return this.startOver()
      this.hash.update(block.subarray(0, bytesRead))
      this.#length += bytesRead
    }
    this.#inherited = size
    this.#origin = origin
  }
}

async function newHash(): Promise<Hash> {
  const { createHash } = await import('node:crypto')
  return createHash('sha256')
}

/** For reading and writing; made where it is missing. */
async function openData(folder: string): Promise<FileHandle> {
  const { constants, open } = await import('node:fs/promises')
  return open(`${folder}/${dataName}`, constants.O_RDWR | constants.O_CREAT)
}

async function writeOrigin(folder: string, origin: Origin): Promise<void> {
  const { writeFile } = await import('node:fs/promises')
  await writeFile(`${folder}/${originName}`, JSON.stringify(origin))
}

/** Undefined where it is missing or was cut off: then the bytes may be of any file. */
async function readOrigin(folder: string): Promise<Origin | undefined> {
  const { readFile } = await import('node:fs/promises')
  try {
    const value: unknown = JSON.parse(await readFile(`${folder}/${originName}`, 'utf8'))
    return isOrigin(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isOrigin(value: unknown): value is Origin {
  if (!isObject(value)) return false
  const { address, total, etag, lastModified } = value
  const isTextOrMissing = (text: unknown) => text === undefined || typeof text === 'string'
  const isSizeOrMissing = total === undefined || Number.isSafeInteger(total)
  return typeof address === 'string' && isSizeOrMissing && isTextOrMissing(etag) && isTextOrMissing(lastModified)
}

async function onDisk<T>(destination: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof WeightsError) throw error
    throw new WeightsError(destination, { expected: 'a file that can be written', found: describeFailure(error) })
  }
}
