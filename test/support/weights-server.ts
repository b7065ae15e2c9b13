/** A web server on this machine that has files and misbehaves on request. */
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach } from 'vitest'

/** What a request asked for. */
export interface SeenRequest {
  readonly path: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly acceptEncoding: string | undefined
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** After so many bytes of the body it waits for `pause` (for ever, if there is none); then it goes on, or cuts the line. */
  readonly pauseAfter?: number
  readonly pause?: () => Promise<unknown>
  readonly cut?: boolean
}

/** Answers the requests for one path; `count` is 1 for the first of them. */
export type Handler = (request: SeenRequest, count: number) => Answer

export interface WeightsServer {
  /** All requests, in their order. */
  readonly requests: SeenRequest[]
  /** What is at a path; 404 where nothing is. */
  serve(path: string, handler: Handler): void
  /** The address of a path. */
  url(path: string): string
}

/** A new server for each test of the file (or group) that calls this. */
export function useWeightsServer(): WeightsServer {
  let requests: SeenRequest[] = []
  let handlers = new Map<string, Handler>()
  let server: http.Server
  beforeEach(async () => {
    requests = []
    handlers = new Map()
    server = http.createServer((incoming, response) => {
      const seen = {
        path: incoming.url!,
        range: incoming.headers.range,
        ifRange: incoming.headers['if-range'] as string | undefined,
        acceptEncoding: incoming.headers['accept-encoding'],
      }
      requests.push(seen)
      const handler = handlers.get(seen.path) ?? (() => ({ status: 404 }))
      void send(response, handler(seen, requests.filter(({ path }) => path === seen.path).length))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    get requests() {
      return requests
    },
    serve: (path, handler) => handlers.set(path, handler),
    url: (path) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
  }
}

async function send(response: http.ServerResponse, answer: Answer): Promise<void> {
  const {
    status = 200,
    headers = {},
    body = new Uint8Array(),
    pauseAfter,
    pause = () => new Promise(() => null),
  } = answer
  response.on('error', () => undefined) // the client may go at any time
  response.writeHead(status, headers)
  if (pauseAfter !== undefined) {
    response.write(body.subarray(0, pauseAfter))
    await pause()
  }
  if (answer.cut) response.socket?.end()
  else response.end(body.subarray(pauseAfter ?? 0))
}

export interface FileOptions {
  readonly etag?: string
  readonly lastModified?: string
  /** Whether it sends parts of the file; on by default. */
  readonly ranges?: boolean
  /** Sends no Content-Length. */
  readonly chunked?: boolean
}

/** An answer as a good server gives it: https://www.rfc-editor.org/rfc/rfc9110#section-14. */
export function fileAnswer(
  content: Uint8Array,
  request: SeenRequest,
  options: FileOptions = {},
): Required<Pick<Answer, 'status' | 'headers' | 'body'>> {
  const { etag, lastModified, ranges = true, chunked = false } = options
  const headers: Record<string, string> = {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
  }
  const isSame = request.ifRange === undefined || request.ifRange === etag || request.ifRange === lastModified
  const first = /^bytes=(\d+)-$/.exec(request.range ?? '')?.[1]
  const begin = ranges && isSame && first !== undefined ? Number(first) : undefined
  if (begin !== undefined && begin >= content.length) {
    return { status: 416, headers: { 'content-range': `bytes */${content.length}` }, body: new Uint8Array() }
  }
  const body = content.subarray(begin ?? 0)
  if (!chunked) headers['content-length'] = String(body.length)
  if (begin === undefined) return { status: 200, headers, body }
  headers['content-range'] = `bytes ${begin}-${content.length - 1}/${content.length}`
  return { status: 206, headers, body }
}

/** Bytes without a pattern, the same for the same seed. */
export function someBytes(length: number, seed = 1): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Waits until something is so. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2))
}
