/** Lines that are cut, and servers that know ranges or do not: what is asked for next, and that the file is right. */
import { describe, expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { failure, fetchTo, useDownloadFolder } from '../../support/downloads.js'
import { type Answer, fileAnswer, type FileOptions, type SeenRequest } from '../../support/weights-server.js'
import { sha256, someBytes, useWeightsServer } from '../../support/weights-server.js'

const server = useWeightsServer()
const folder = useDownloadFolder()
const content = someBytes(300_000)
const hash = sha256(content)
const etag = '"one"'
const lastModified = 'Tue, 14 Nov 2023 12:00:00 GMT'

const fetchFile = (options = {}) => fetchTo(folder.file, server.url('/net.pth'), options)
const asked = () => server.requests.map(({ range, ifRange }) => [range, ifRange])

/** The first answer is cut off after 100,000 bytes; what comes next is up to the test. */
function serveCutFirst(options: FileOptions, next: (request: SeenRequest) => Answer): void {
  server.serve('/net.pth', (request, count) =>
    count === 1 ? folder.cut(fileAnswer(content, request, options), 100_000) : next(request),
  )
}

describe('a download that is cut off', () => {
  it.each<[string, FileOptions, string | undefined]>([
    ['its entity tag', { etag, lastModified }, etag],
    ['its date', { lastModified }, lastModified],
    ['its date, beside a weak entity tag', { etag: 'W/"one"', lastModified }, lastModified],
  ])('goes on where it stopped if the file still has %s', async (_, options, ifRange) => {
    serveCutFirst(options, (request) => fileAnswer(content, request, options))
    const progress = await fetchFile()
    expect(asked()).toEqual([
      [undefined, undefined],
      ['bytes=100000-', ifRange],
    ])
    expect(progress.at(-1)).toMatchObject({ received: 300_000, total: 300_000, resumedFrom: 0 })
    expect(await folder.sha256()).toBe(hash)
    expect(await folder.list()).toEqual(['net.pth'])
  })

  it.each<[string, FileOptions]>([
    ['nothing', {}],
    ['a weak entity tag', { etag: 'W/"one"' }],
  ])('trusts the hash where the server identifies the file by %s', async (_, options) => {
    serveCutFirst(options, (request) => fileAnswer(content, request, options))
    await fetchFile({ sha256Prefix: hash.slice(0, 8) })
    expect(asked()[1]).toEqual(['bytes=100000-', undefined])
    expect(await folder.sha256()).toBe(hash)
  })

  it.each<[string, FileOptions]>([
    ['nothing', {}],
    ['a weak entity tag', { etag: 'W/"one"' }],
  ])('starts over where there is no hash and the server identifies the file by %s', async (_, options) => {
    serveCutFirst(options, (request) => fileAnswer(content, request, options))
    await fetchFile()
    expect(asked()[1]).toEqual([undefined, undefined])
    expect(await folder.sha256()).toBe(hash)
  })

  it('goes on without a length, and knows it from the range', async () => {
    serveCutFirst({ etag, chunked: true }, (request) =>
      request.range === 'bytes=100000-'
        ? folder.cut(fileAnswer(content, request, { etag }), 50_000, 150_000)
        : fileAnswer(content, request, { etag }),
    )
    await fetchFile()
    expect(asked().map(([range]) => range)).toEqual([undefined, 'bytes=100000-', 'bytes=150000-'])
    expect(await folder.sha256()).toBe(hash)
  })

  it('asks for more where a server sends less of the file than asked for', async () => {
    serveCutFirst({ etag }, (request) => {
      const begin = Number(/\d+/.exec(request.range!)![0])
      const end = Math.min(begin + 70_000, content.length)
      const headers = { 'content-range': `bytes ${begin}-${end - 1}/${content.length}` }
      return { status: 206, headers, body: content.subarray(begin, end) }
    })
    await fetchFile()
    expect(asked().map(([range]) => range)).toEqual([undefined, ...[100, 170, 240].map((k) => `bytes=${k}000-`)])
    expect(await folder.sha256()).toBe(hash)
  })

  it('may be cut off more often than it is tried without progress', async () => {
    server.serve('/net.pth', (request, count) => {
      const answer = fileAnswer(content, request, { etag })
      return answer.body.length > 30_000 ? folder.cut(answer, 30_000, count * 30_000) : answer
    })
    await fetchFile({ attempts: 2 })
    expect(server.requests.length).toBe(10)
    expect(await folder.sha256()).toBe(hash)
  })

  it('ends where it gets no further', async () => {
    server.serve('/net.pth', (request, count) => {
      const answer = fileAnswer(content, request, { etag })
      return count === 1
        ? folder.cut(answer, 100_000)
        : { ...answer, pauseAfter: 0, pause: () => Promise.resolve(), cut: true }
    })
    const { detail } = await failure(fetchFile({ attempts: 3 }), WeightsError)
    expect(detail.found).toMatch(/^the connection was cut off/)
    expect(asked().map(([range]) => range)).toEqual([undefined, 'bytes=100000-', 'bytes=100000-'])
    expect(await folder.parts()).toEqual(['net.pth.part'])
  })

  it('ends where a server without ranges cuts every time: the same bytes again are no progress', async () => {
    server.serve('/net.pth', (request) => folder.cut(fileAnswer(content, request, { etag, ranges: false }), 100_000))
    await failure(fetchFile({ attempts: 3 }), WeightsError)
    expect(server.requests.length).toBe(3)
  })

  it('starts over where a server knows no ranges', async () => {
    serveCutFirst({ etag }, (request) => fileAnswer(content, request, { etag, ranges: false }))
    const progress = await fetchFile()
    expect(asked()[1]).toEqual(['bytes=100000-', etag])
    expect(progress.at(-1)).toMatchObject({ received: 300_000, resumedFrom: 0 })
    expect(await folder.sha256()).toBe(hash)
  })

  it('ends where a server announces more than it has', async () => {
    server.serve('/net.pth', (request) => {
      const answer = fileAnswer(content, request, { ranges: false })
      return { ...folder.cut(answer, content.length), headers: { 'content-length': String(content.length + 1) } }
    })
    const { detail } = await failure(fetchFile({ attempts: 2 }), WeightsError)
    expect(detail.found).toMatch(/^the connection was cut off/)
  })

  it('takes as many bytes as were announced, and finds by the hash that these are not all', async () => {
    server.serve('/net.pth', () => ({ headers: { 'content-length': '1000' }, body: content }))
    const { detail } = await failure(fetchFile({ sha256Prefix: hash.slice(0, 8) }), WeightsError)
    expect(detail.found).toContain(sha256(content.subarray(0, 1000)))
  })
})

describe('a file that is another one by the time of the second request', () => {
  const other = someBytes(250_000, 2)

  it('is fetched from its beginning', async () => {
    serveCutFirst({ etag }, (request) => fileAnswer(other, request, { etag: '"two"' }))
    await fetchFile()
    expect(await folder.sha256()).toBe(sha256(other))
  })

  const rest = { status: 206, body: other.subarray(100_000) }
  const range = (total: number | string, begin = 100_000, end = 249_999) => `bytes ${begin}-${end}/${total}`
  it.each<[string, Answer]>([
    ['another entity tag', { ...rest, headers: { 'content-range': range(300_000), etag: '"two"' } }],
    ['another date', { ...rest, headers: { 'content-range': range(300_000), 'last-modified': 'yesterday' } }],
    ['another size', { ...rest, headers: { 'content-range': range(250_000) } }],
    ['another range', { ...rest, headers: { 'content-range': range(300_000, 99_999) } }],
    ['a range beyond its end', { ...rest, headers: { 'content-range': range(300_000, 100_000, 300_000) } }],
    ['more than its range', { ...rest, headers: { 'content-range': range(300_000, 100_000, 199_999) } }],
    ['a range of other units', { ...rest, headers: { 'content-range': 'lines 100000-299999/300000' } }],
    ['no range', rest],
    ['a range that does not exist', { status: 416, headers: { 'content-range': 'bytes */50000' } }],
  ])('is not mixed with the first where the rest comes with %s', async (_, answer) => {
    const found = { etag, lastModified }
    serveCutFirst(found, (request) => (request.range === undefined ? fileAnswer(other, request, found) : answer))
    await fetchFile()
    expect(asked().map(([asked]) => asked)).toEqual([undefined, 'bytes=100000-', undefined])
    expect(await folder.sha256()).toBe(sha256(other))
  })

  it.each<[string, string, Record<string, string>]>([
    [
      'the entity tag is the same, whatever the date',
      range(300_000, 100_000, 299_999),
      { etag, 'last-modified': 'now' },
    ],
    ['the server tells nothing more', range(300_000, 100_000, 299_999), {}],
    ['the size is not known', range('*', 100_000, 299_999), {}],
  ])('is the same where %s', async (_, contentRange, headers) => {
    const answer = {
      status: 206,
      body: content.subarray(100_000),
      headers: { 'content-range': contentRange, ...headers },
    }
    serveCutFirst({ etag, lastModified }, () => answer)
    await fetchFile()
    expect(await folder.sha256()).toBe(hash)
  })

  it('is an error where the server cannot make up its mind', async () => {
    server.serve('/net.pth', (request) =>
      request.range === undefined ? folder.cut(fileAnswer(content, request, { etag }), 100_000) : { status: 416 },
    )
    const { detail } = await failure(fetchFile({ attempts: 4 }), WeightsError)
    expect(server.requests.length).toBe(4)
    expect(detail.found).toMatch(/^no answer with the rest of the file/)
  })
})
