/** One request for a file, or for the rest of it: HTTP's ranges, https://www.rfc-editor.org/rfc/rfc9110#section-14. */
import { formatBytes } from '../../device/errors.js'
import type { Origin, Part } from './part.js'
import { networkFailure, statusFailure, TransferError } from './transfer-error.js'

export interface TransferOptions {
  /** Whether the bytes are checked in the end: then a server need not tell whether the file is still the same. */
  readonly isVerified: boolean
  /** Milliseconds without data after which the connection counts as dead. */
  readonly stallTimeout: number
  /** The most bytes that a file may have. */
  readonly largestFile: number
  readonly signal: AbortSignal | undefined
  /** Called when the part has grown, and when it begins anew. */
  onData(this: void): void
}

/**
 * Asks for what is missing of a file and appends it. Where the server has another file by now, or sends the whole one
 * anyway, the part starts over.
 *
 * @throws TransferError where it did not get all
 * @throws WeightsError where the bytes cannot be written
 */
export async function transfer(url: URL, part: Part, options: TransferOptions): Promise<void> {
  const connection = new AbortController()
  const abort = () => connection.abort(options.signal?.reason)
  options.signal?.addEventListener('abort', abort)
  /** Waits for the network; a dead connection is closed, which ends the wait. */
  const wait = async <T>(step: () => Promise<T>): Promise<T> => {
    const seconds = options.stallTimeout / 1000
    const stall = () => connection.abort(new TransferError(`no data for ${seconds} seconds`, true))
    const timer = setTimeout(stall, options.stallTimeout)
    try {
      return await step()
    } catch (error) {
      throw connection.signal.aborted ? connection.signal.reason : networkFailure(error)
    } finally {
      clearTimeout(timer)
    }
  }
  try {
    options.signal?.throwIfAborted()
    if (!canContinue(part, addressOf(url), options.isVerified)) await part.startOver()
    if (part.length > 0 && part.length === part.origin?.total) return // only its name was missing
    const headers = requestHeaders(part)
    const response = await wait(() => fetch(url, { headers, signal: connection.signal }))
    const { end, total } = await acceptAnswer(response, addressOf(url), part, options.largestFile)
    options.onData()
    const body = response.body?.getReader()
    for (;;) {
      const chunk = body === undefined ? undefined : (await wait(() => body.read())).value
      if (chunk === undefined) break
      if (part.length + chunk.length > end) await refuseExcess(part, end, options.largestFile)
      await part.append(chunk)
      options.onData()
    }
    if (part.length === 0) throw new TransferError('an empty file', false)
    if (part.length < (total ?? 0)) throw new TransferError(`the end after ${part.length} of ${total} bytes`, true)
  } finally {
    options.signal?.removeEventListener('abort', abort)
    connection.abort() // what was not read is not wanted
  }
}

/** What identifies a file on a server and can be shown: a query may hold secrets, such as a signature. */
export function addressOf(url: URL): string {
  return url.origin + url.pathname
}

/** The rest must be of the same file: the server can tell by its validator, or we can by the hash of the whole. */
function canContinue({ origin }: Part, address: string, isVerified: boolean): boolean {
  return origin?.address === address && (isVerified || validatorOf(origin) !== undefined)
}

/** What `If-Range` takes: a strong entity tag, or a date. */
function validatorOf({ etag, lastModified }: Origin): string | undefined {
  return etag === undefined || etag.startsWith('W/') ? lastModified : etag
}

function requestHeaders({ length, origin }: Part): Record<string, string> {
  if (length === 0 || origin === undefined) return { 'accept-encoding': 'identity' } // fetch adds it to ranges itself
  const validator = validatorOf(origin)
  return { range: `bytes=${length}-`, ...(validator === undefined ? {} : { 'if-range': validator }) }
}

/** What an answer announces: where in the file its bytes end at the latest, and the size of the file. */
interface Announced {
  readonly end: number
  readonly total?: number
}

/** Prepares the part for the bytes of an answer. */
async function acceptAnswer(response: Response, address: string, part: Part, largestFile: number): Promise<Announced> {
  const { headers, status } = response
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity') throw new TransferError(`an answer that is compressed (${encoding})`, false)
  if (status === 200) {
    const origin = originOf(headers, address)
    checkSize(origin.total, largestFile)
    await part.startOver(origin)
    return { end: origin.total ?? largestFile, total: origin.total }
  }
  if (status !== 206 && status !== 416) throw statusFailure(response)
  if (part.length === 0) throw unasked(status)
  const rest = status === 206 ? restOf(headers, part) : undefined
  if (rest !== undefined) return rest
  await part.startOver()
  throw new TransferError('no answer with the rest of the file', true)
}

function unasked(status: number): TransferError {
  return new TransferError(
    `the server's answer ${status}, about a part of the file, where all of it was asked for`,
    false,
  )
}

function originOf(headers: Headers, address: string): Origin {
  const length = headers.get('content-length')
  return {
    address,
    ...(length !== null && /^\d{1,15}$/.test(length) ? { total: Number(length) } : {}),
    etag: headers.get('etag') ?? undefined,
    lastModified: headers.get('last-modified') ?? undefined,
  }
}

function checkSize(bytes: number | undefined, largestFile: number): void {
  if (bytes === undefined || bytes <= largestFile) return
  throw new TransferError(`a file of ${formatBytes(bytes)}; at most ${formatBytes(largestFile)} are taken`, false)
}

/** The range of an answer 206 where it is the one that was asked for, of the same file. */
function restOf(headers: Headers, { length, origin }: Part): Announced | undefined {
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers.get('content-range') ?? '')
  if (range === null) return undefined
  const [first, last, size] = range.slice(1).map(Number) as [number, number, number] // the size may be NaN, for *
  const total = Number.isNaN(size) ? origin?.total : size
  const fits = first === length && last < (total ?? Infinity) && total === (origin?.total ?? total)
  return fits && !isAnother(headers, origin) ? { end: last + 1, total } : undefined
}

/** Whether an answer is about another file than the bytes before, as far as it tells. */
function isAnother(headers: Headers, origin: Origin | undefined): boolean {
  const [etag, lastModified] = [headers.get('etag'), headers.get('last-modified')]
  if (etag !== null && origin?.etag !== undefined) return etag !== origin.etag
  return lastModified !== null && origin?.lastModified !== undefined && lastModified !== origin.lastModified
}

async function refuseExcess(part: Part, end: number, largestFile: number): Promise<never> {
  await part.startOver()
  if (end === largestFile) throw new TransferError(`more than the ${formatBytes(end)} that are taken`, false)
  throw new TransferError(`more than the ${end} bytes that were announced`, true)
}
