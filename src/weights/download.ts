/**
 * Files from HTTP servers. A download that is cut off goes on where it stopped, in this process or a later one; a file
 * appears under its name whole and verified, or not at all. Node only.
 */
import { OptionError, WeightsError } from '../device/errors.js'
import { inTurn } from './download/in-turn.js'
import { Part } from './download/part.js'
import { addressOf, transfer } from './download/transfer.js'
import { TransferError } from './download/transfer-error.js'

/** How far a download is; in bytes. */
export interface DownloadProgress {
  readonly url: string
  readonly received: number
  /** Missing where the server does not tell. */
  readonly total?: number
  /** Of the received bytes, those that an earlier download had left; 0 where there were none, or they were of no use. */
  readonly resumedFrom: number
  /** What the file is verified against in the end; missing where nothing is known, so that any content is taken. */
  readonly sha256Prefix?: string
}

export interface DownloadOptions {
  /** The first hexadecimal digits of the file's SHA-256, in lower case. */
  readonly sha256Prefix?: string
  /** Called at the beginning, about ten times a second, and at the end. */
  readonly onProgress?: (progress: DownloadProgress) => void
  /** Stops the download; what has arrived is kept, and the next download of the file goes on from there. */
  readonly signal?: AbortSignal
  /** How often it is tried without getting further, 5 by default. */
  readonly attempts?: number
  /** Milliseconds before the second attempt, 500 by default; they double with each further one. */
  readonly retryDelay?: number
  /** Milliseconds without data after which a connection counts as dead, 30,000 by default. */
  readonly stallTimeout?: number
  /** The most bytes that a file may have, 16 GiB by default. */
  readonly largestFile?: number
}

/**
 * Downloads a file, unless it is there. Its bytes arrive in a folder beside it whose name ends in `.part`, from which a
 * later download goes on. Any number of downloads of one file may run: those in one process one after the other (so that
 * the first fetches it for all), those of several processes side by side; all end with the same file.
 *
 * @param url http or https, also after redirects
 * @param destination the path of the file; its folder is made where it is missing
 * @throws OptionError where the URL is none that can be fetched
 * @throws WeightsError where the file cannot be fetched, is another than the hash says (nothing is kept of it then), or
 *   cannot be written
 * @throws the reason of `signal` where that was aborted
 */
export async function download(url: string, destination: string, options: DownloadOptions = {}): Promise<void> {
  const address = parseDownloadUrl(url)
  const path = await import('node:path')
  const file = path.resolve(destination)
  await inTurn(file, options.signal, async () => {
    if (!(await isFile(file))) await fetchFile(address, file, options)
  })
}

/**
 * An address that `download` takes.
 *
 * @throws OptionError where it is none
 */
export function parseDownloadUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new OptionError('url', 'an address that begins with https:// or http://', url)
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new OptionError('url', 'an address without user name and password', `${parsed.origin}${parsed.pathname}`)
  }
  return parsed
}

/** Whether there is an ordinary file (or a link to one) with that name. */
export async function isFile(file: string): Promise<boolean> {
  const { stat } = await import('node:fs/promises')
  const status = await stat(file).catch(() => undefined)
  return status?.isFile() ?? false
}

async function fetchFile(url: URL, destination: string, options: DownloadOptions): Promise<void> {
  const part = await Part.open(destination)
  try {
    await receive(url, part, options)
    if (part.inherited > 0 && !isRight(part, options)) {
      // Bytes that lay on the disk may be at fault: a machine that loses power can leave such.
      await part.startOver()
      await receive(url, part, options)
    }
    if (!isRight(part, options)) {
      const found = `${part.sha256()}: another file, or one that was changed on its way`
      await part.startOver()
      throw new WeightsError(addressOf(url), {
        expected: `a file whose SHA-256 begins with ${options.sha256Prefix}`,
        found,
      })
    }
    await part.finish()
  } catch (error) {
    await part.release()
    throw error instanceof TransferError ? failure(url, destination, error.message) : error
  }
}

function isRight(part: Part, { sha256Prefix = '' }: DownloadOptions): boolean {
  return part.sha256().startsWith(sha256Prefix)
}

/** Tries until all bytes are there, or it gets no further. */
async function receive(url: URL, part: Part, options: DownloadOptions): Promise<void> {
  const { attempts = 5, retryDelay = 500, stallTimeout = 30_000, largestFile = 16 * 2 ** 30, signal } = options
  const report = reporter(url, part, options)
  const settings = { isVerified: options.sha256Prefix !== undefined, stallTimeout, largestFile, signal, onData: report }
  for (let farthest = part.length, failures = 0; ;) {
    try {
      await transfer(url, part, settings)
      report(true)
      return
    } catch (error) {
      signal?.throwIfAborted()
      failures = part.length > farthest ? 1 : failures + 1
      farthest = Math.max(farthest, part.length)
      if (!(error instanceof TransferError) || !error.isTransient || failures >= attempts) throw error
      await pause(retryDelay * 2 ** (failures - 1), signal)
    }
    await part.keep()
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const { setTimeout: sleep } = await import('node:timers/promises')
  await sleep(milliseconds, undefined, { signal }).catch(() => signal?.throwIfAborted())
}

const millisecondsBetweenReports = 100

/** Calls `onProgress` with the state of a part, the first time, the last time, and not too often between. */
function reporter(url: URL, part: Part, { onProgress, sha256Prefix }: DownloadOptions): (isLast?: boolean) => void {
  let last = -Infinity
  return (isLast = false) => {
    const now = performance.now()
    if (!isLast && now - last < millisecondsBetweenReports) return
    last = now
    const { length: received, origin, inherited: resumedFrom } = part
    onProgress?.({ url: addressOf(url), received, total: origin?.total, resumedFrom, sha256Prefix })
  }
}

function failure(url: URL, destination: string, reason: string): WeightsError {
  const help =
    `Get the file in another way and save it as ${destination}, or name another address with --weights-url; ` +
    `DAYBREAK_CACHE names another folder for such files${proxyHint()}`
  return new WeightsError(addressOf(url), { expected: 'a file to download', found: `${reason}. ${help}` })
}

/** Companies' networks: what works in a browser there does not work here. */
function proxyHint(): string {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']
  const set = names.find((name) => (process.env[name] ?? '') !== '')
  if (set === undefined || process.env.NODE_USE_ENV_PROXY === '1') return ''
  return `. ${set} is set, which Node's fetch does not use by itself; newer versions do with NODE_USE_ENV_PROXY=1`
}
