import { once } from 'node:events'
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { OptionError, WeightsError } from '../../src/device/errors.js'
import { download } from '../../src/weights/download.js'
import { failure, fetchTo, useDownloadFolder } from '../support/downloads.js'
import { fileAnswer, sha256, someBytes, until, useWeightsServer } from '../support/weights-server.js'

const server = useWeightsServer()
const folder = useDownloadFolder()
const content = someBytes(300_000)
const etag = '"one"'
const serveFile = (name = '/net.pth') => server.serve(name, (request) => fileAnswer(content, request, { etag }))
const failed = (promise: Promise<unknown>) => failure(promise, WeightsError)

describe('download', () => {
  it.each([
    ['with its length', false],
    ['without (chunked)', true],
  ])('fetches a file that comes %s, and leaves nothing else', async (_, chunked) => {
    server.serve('/net.pth', (request) => fileAnswer(content, request, { chunked }))
    const progress = await fetchTo(folder.file, server.url('/net.pth'), { sha256Prefix: sha256(content).slice(0, 8) })
    expect(await folder.sha256()).toBe(sha256(content))
    expect(await folder.list()).toEqual(['net.pth'])
    const known = { url: server.url('/net.pth'), resumedFrom: 0, sha256Prefix: sha256(content).slice(0, 8) }
    const total = chunked ? undefined : content.length
    expect(progress[0]).toEqual({ ...known, received: 0, total })
    expect(progress.at(-1)).toEqual({ ...known, received: content.length, total })
    expect(server.requests).toEqual([
      { path: '/net.pth', range: undefined, ifRange: undefined, acceptEncoding: 'identity' },
    ])
  })

  it('makes the folder', async () => {
    serveFile()
    const file = path.join(folder.path, 'a', 'b', 'net.pth')
    await fetchTo(file, server.url('/net.pth'))
    expect(sha256(await readFile(file))).toBe(sha256(content))
  })

  it('leaves a file that is there as it is', async () => {
    await writeFile(folder.file, 'mine')
    await fetchTo(folder.file, server.url('/net.pth'))
    expect(await readFile(folder.file, 'utf8')).toBe('mine')
    expect(server.requests).toEqual([])
  })

  it('tells its progress when time has passed, and the end in any case', async () => {
    server.serve('/net.pth', (request) => ({
      ...fileAnswer(content, request),
      pauseAfter: 1000,
      pause: () => folder.stored(1000),
    }))
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
    expect((await fetchTo(folder.file, server.url('/net.pth'))).map(({ received }) => received)).toEqual([0, 300_000])
    let now = 0
    clock.mockImplementation(() => (now += 100))
    const received = (await fetchTo(`${folder.file}.2`, server.url('/net.pth'))).map((progress) => progress.received)
    expect(received.length).toBeGreaterThan(3)
    expect(received).toEqual(received.toSorted((a, b) => a - b))
  })

  it.each([
    [301, '/elsewhere/net.pth'],
    [302, 'elsewhere/net.pth'],
    [303, '/elsewhere/net.pth'],
    [307, '../elsewhere/net.pth'],
    [308, '/elsewhere/net.pth'],
  ])('follows a redirect %d to %s', async (status, location) => {
    server.serve('/net.pth', () => ({ status, headers: { location } }))
    serveFile('/elsewhere/net.pth')
    await fetchTo(folder.file, server.url('/net.pth'))
    expect(await folder.sha256()).toBe(sha256(content))
  })

  it('follows a redirect to another server', async () => {
    server.serve('/net.pth', () => {
      const location = server.url('/elsewhere.pth').replace('127.0.0.1', 'localhost')
      return { status: 302, headers: { location } }
    })
    serveFile('/elsewhere.pth')
    await fetchTo(folder.file, server.url('/net.pth'))
    expect(await folder.sha256()).toBe(sha256(content))
  })

  it.each([
    ['file:///etc/passwd', 'scheme'],
    ['ftp://127.0.0.1/net.pth', 'scheme'],
    ['data:,weights', 'scheme'],
    ['/net.pth', 'redirect count'],
  ])('refuses a redirect to %s', async (location, reason) => {
    server.serve('/net.pth', () => ({ status: 302, headers: { location } }))
    const { detail } = await failed(fetchTo(folder.file, server.url('/net.pth')))
    expect(detail.found).toContain(reason)
    expect(await folder.list()).toEqual([])
  })

  it.each(['ftp://host/net.pth', 'file:///net.pth', 'net.pth', ''])('refuses the address "%s"', async (url) => {
    expect((await failure(download(url, folder.file), OptionError)).message).toMatch('begins with https:// or http://')
  })

  it('refuses a password in the address, and does not repeat it', async () => {
    const error = await failure(download('https://me:secret@host/net.pth', folder.file), OptionError)
    expect(error.message).toMatch('without user name and password, got "https://host/net.pth"')
  })
})

describe('a download that fails', () => {
  it('tells what to do: the address, the path, the options', async () => {
    const url = `${server.url('/net.pth')}?signature=secret`
    const { message } = await failed(fetchTo(folder.file, url))
    expect(message).toContain(`${server.url('/net.pth')}: expected a file to download`)
    expect(message).toContain("the server's answer 404 (no such file)")
    expect(message).toContain(`save it as ${folder.file}`)
    expect(message).toContain('--weights-url')
    expect(message).toContain('DAYBREAK_CACHE')
    expect(message).not.toContain('secret')
    expect(message).not.toContain('PROXY')
  })

  it('mentions a proxy that is not used', async () => {
    vi.stubEnv('https_proxy', 'http://proxy:3128')
    expect((await failed(fetchTo(folder.file, server.url('/no.pth')))).message).toContain('https_proxy is set')
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect((await failed(fetchTo(folder.file, server.url('/no.pth')))).message).not.toContain('https_proxy')
  })

  it.each([401, 403, 404, 410, 204, 206, 416])('does not ask again after a status %d', async (status) => {
    server.serve('/net.pth', () => ({ status }))
    expect((await failed(fetchTo(folder.file, server.url('/net.pth')))).message).toContain(`answer ${status}`)
    expect(server.requests.length).toBe(1)
    expect(await folder.list()).toEqual([])
  })

  it.each([408, 429, 500, 503])('asks again after a status %d, until it is enough', async (status) => {
    server.serve('/net.pth', (request, count) => (count < 3 ? { status } : fileAnswer(content, request)))
    expect((await failed(fetchTo(folder.file, server.url('/net.pth'), { attempts: 2 }))).message).toContain(`${status}`)
    expect(server.requests.length).toBe(2)
    await fetchTo(folder.file, server.url('/net.pth'), { attempts: 1 })
    expect(await folder.sha256()).toBe(sha256(content))
  })

  it('says that nobody listens', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    const { message } = await failed(fetchTo(folder.file, `http://127.0.0.1:${port}/net.pth`, { attempts: 3 }))
    expect(message).toContain('the server refused the connection')
  })

  it('names a server that speaks no TLS', async () => {
    const { detail } = await failed(fetchTo(folder.file, server.url('/net.pth').replace('http:', 'https:')))
    expect(detail.found).toMatch(/^a failed TLS handshake \(ERR_SSL_\w+\)\. Get/)
  })

  it('gives up on a server that sends nothing, and goes on where it sends again', async () => {
    server.serve('/net.pth', (request, count) => ({
      ...fileAnswer(content, request),
      ...(count < 3 && { pauseAfter: 0 }),
    }))
    const stallTimeout = 200
    const { detail } = await failed(fetchTo(folder.file, server.url('/net.pth'), { stallTimeout, attempts: 2 }))
    expect(detail.found).toMatch(/^no data for 0\.2 seconds/)
    expect(server.requests.length).toBe(2)
    await fetchTo(folder.file, server.url('/net.pth'), { stallTimeout: 30_000 })
    expect(await folder.sha256()).toBe(sha256(content))
  })

  it('keeps nothing of a file with another hash', async () => {
    serveFile()
    const { message } = await failed(fetchTo(folder.file, server.url('/net.pth'), { sha256Prefix: '0676ba61' }))
    expect(message).toContain('expected a file whose SHA-256 begins with 0676ba61')
    expect(message).toContain(`found ${sha256(content)}`)
    expect(await folder.list()).toEqual([])
    expect(server.requests.length).toBe(1)
  })

  it('refuses an empty file', async () => {
    server.serve('/net.pth', (request) => fileAnswer(new Uint8Array(), request))
    expect((await failed(fetchTo(folder.file, server.url('/net.pth')))).detail.found).toMatch(/^an empty file/)
    expect(await folder.list()).toEqual([])
  })

  it('refuses an answer that is compressed although that was not asked for', async () => {
    server.serve('/net.pth', () => ({ headers: { 'content-encoding': 'gzip' }, body: content }))
    expect((await failed(fetchTo(folder.file, server.url('/net.pth')))).detail.found).toMatch(/compressed \(gzip\)/)
  })

  it.each([false, true])('refuses more bytes than it may take (chunked: %s)', async (chunked) => {
    server.serve('/net.pth', (request) => fileAnswer(content, request, { chunked }))
    const url = server.url('/net.pth')
    const { detail } = await failed(fetchTo(folder.file, url, { largestFile: content.length - 1 }))
    expect(detail.found).toMatch(/293\.0 KiB/)
    expect(await folder.list()).toEqual([])
    expect(server.requests.length).toBe(1)
    await fetchTo(folder.file, url, { largestFile: content.length })
    expect(await folder.sha256()).toBe(sha256(content))
  })

  it('names the path where the disk does not play along', async () => {
    serveFile()
    await writeFile(folder.file, 'a file')
    const below = path.join(folder.file, 'net.pth')
    expect((await failed(fetchTo(below, server.url('/net.pth')))).file).toBe(below)
    const taken = path.join(folder.path, 'folder')
    await mkdir(path.join(taken, 'full'), { recursive: true })
    const error = await failed(fetchTo(taken, server.url('/net.pth')))
    expect(error.message).toContain(`${taken}: expected a file that can be written, found a folder`)
  })

  it('keeps what it has when the disk is full', async () => {
    serveFile()
    const handle = await open(folder.path)
    const prototype = Object.getPrototypeOf(handle) as FileHandle
    await handle.close()
    const write = Reflect.get(prototype, 'write')
    vi.spyOn(prototype, 'write').mockImplementation(function (this: FileHandle, ...parameters: unknown[]) {
      if (Number(parameters[3]) > 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      return Reflect.apply(write, this, parameters) as never
    })
    const { file, detail } = await failed(fetchTo(folder.file, server.url('/net.pth')))
    expect([file, detail.found]).toEqual([folder.file, 'no space left on the disk'])
    vi.restoreAllMocks()
    const progress = await fetchTo(folder.file, server.url('/net.pth'))
    expect(progress[0]!.resumedFrom).toBeGreaterThan(0)
    expect(await folder.sha256()).toBe(sha256(content))
  })
})

describe('a download with a signal', () => {
  const reason = new Error('enough')

  it('does not begin where it is aborted', async () => {
    await expect(fetchTo(folder.file, server.url('/net.pth'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    expect(server.requests).toEqual([])
    expect(await folder.list()).toEqual([])
  })

  it('stops, and goes on from there when it is asked again', async () => {
    server.serve('/net.pth', (request, count) => ({
      ...fileAnswer(content, request, { etag }),
      ...(count === 1 && { pauseAfter: 100_000 }),
    }))
    const controller = new AbortController()
    const stopped = fetchTo(folder.file, server.url('/net.pth'), { signal: controller.signal })
    await folder.stored(100_000)
    controller.abort(reason)
    await expect(stopped).rejects.toBe(reason)
    expect(await folder.list()).toEqual(['net.pth.part', 'net.pth.part/data', 'net.pth.part/origin.json'])
    const progress = await fetchTo(folder.file, server.url('/net.pth'))
    expect(server.requests[1]).toMatchObject({ range: 'bytes=100000-', ifRange: etag })
    expect(progress[0]).toMatchObject({ resumedFrom: 100_000, total: content.length })
    expect(await folder.sha256()).toBe(sha256(content))
    expect(await folder.list()).toEqual(['net.pth'])
  })

  it('stops between two attempts', async () => {
    server.serve('/net.pth', () => ({ status: 503 }))
    const controller = new AbortController()
    const stopped = fetchTo(folder.file, server.url('/net.pth'), { signal: controller.signal, retryDelay: 1e8 })
    await until(() => server.requests.length === 1)
    setTimeout(() => controller.abort(reason), 20)
    await expect(stopped).rejects.toBe(reason)
  })
})
