/** What a download leaves behind, and what another one, in this process or the next, makes of it. */
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bundle, importable, runNode } from '../../support/child-process.js'
import { failure, fetchTo, useDownloadFolder } from '../../support/downloads.js'
import { fileAnswer, sha256, someBytes, until, useWeightsServer } from '../../support/weights-server.js'

const server = useWeightsServer()
const folder = useDownloadFolder()
const content = someBytes(300_000)
const hash = sha256(content)
const etag = '"one"'
const ranges = () => server.requests.map(({ range }) => range)
const fetchFile = (options = {}) => fetchTo(folder.file, server.url('/net.pth'), options)
const serveFile = () => server.serve('/net.pth', (request) => fileAnswer(content, request, { etag }))

/** For downloads in a new process. */
let module: string
beforeAll(async () => {
  module = importable(await bundle('src/weights/download.ts'))
})
const script = () =>
  `import { download } from ${module}
   console.log('begun')
   await download(${JSON.stringify(server.url('/net.pth'))}, ${JSON.stringify(folder.file)})
   console.log('done')`

/** Leaves a part as a process leaves it that had no time to clean up. */
async function leave(data: Uint8Array, origin: object | string = {}, owner = ''): Promise<string> {
  const part = path.join(folder.path, `net.pth${owner}.part`)
  await mkdir(part)
  await writeFile(path.join(part, 'data'), data)
  const text = typeof origin === 'string' ? origin : JSON.stringify({ ...known(), ...origin })
  await writeFile(path.join(part, 'origin.json'), text)
  return part
}
const known = () => ({ address: server.url('/net.pth'), total: content.length, etag })
const first = content.subarray(0, 100_000)

describe('the part of a file that an earlier process left', () => {
  it('is continued, even after the process was killed', async () => {
    server.serve('/net.pth', (request, count) => ({
      ...fileAnswer(content, request, { etag }),
      ...(count === 1 && { pauseAfter: 100_000 }),
    }))
    let isKilled = false
    const { signal } = await runNode(script(), {
      onOutput: (_, child) => {
        if (isKilled) return
        isKilled = true
        void folder.stored(100_000).then(() => child.kill('SIGKILL'))
      },
    })
    expect(signal).toBe('SIGKILL')
    expect(await folder.parts()).toEqual([expect.stringMatching(/^net\.pth\.[0-9a-f]{8}-\d+-[0-9a-f]{8}\.part$/)])
    const progress = await fetchFile()
    expect(ranges()).toEqual([undefined, 'bytes=100000-'])
    expect(progress[0]).toMatchObject({ received: 100_000, resumedFrom: 100_000, total: 300_000 })
    expect(await folder.sha256()).toBe(hash)
    expect(await folder.list()).toEqual(['net.pth'])
  })

  it('only gets its name where nothing is missing', async () => {
    await leave(content)
    const progress = await fetchFile({ sha256Prefix: hash })
    expect(server.requests).toEqual([])
    expect(progress).toEqual([expect.objectContaining({ received: 300_000, total: 300_000, resumedFrom: 300_000 })])
    expect(await folder.sha256()).toBe(hash)
    expect(await folder.list()).toEqual(['net.pth'])
  })

  it('is fetched anew where its bytes turn out to be damaged', async () => {
    serveFile()
    await leave(new Uint8Array(100_000))
    const progress = await fetchFile({ sha256Prefix: hash.slice(0, 8) })
    expect(ranges()).toEqual(['bytes=100000-', undefined])
    expect(progress.at(-1)).toMatchObject({ received: 300_000, resumedFrom: 0 })
    expect(await folder.sha256()).toBe(hash)
  })

  it('is an error where the bytes that were fetched anew are wrong, too', async () => {
    serveFile()
    await leave(first)
    await failure(fetchFile({ sha256Prefix: '0676ba61' }), WeightsError)
    expect(ranges()).toEqual(['bytes=100000-', undefined])
    expect(await folder.list()).toEqual([])
  })

  it.each<[string, object | string]>([
    ['it came from another address', { address: 'http://127.0.0.1/net.pth' }],
    ['it is longer than the file', { total: 99_999 }],
    ['nothing tells where it came from', ''],
    ['that was cut off', '{"address": "http'],
    ['that is no object', '[]'],
    ['its address is missing', { address: undefined }],
    ['its size is no number', { total: '300000' }],
    ['its entity tag is no text', { etag: 1 }],
    ['its date is no text', { lastModified: {} }],
  ])('is of no use where %s', async (_, origin) => {
    serveFile()
    await leave(new Uint8Array(100_000), origin)
    const progress = await fetchFile()
    expect(ranges()).toEqual([undefined])
    expect(progress[0]).toMatchObject({ received: 0, resumedFrom: 0 })
    expect(await folder.sha256()).toBe(hash)
    expect(await folder.list()).toEqual(['net.pth'])
  })

  it('does not keep the query of its address, which may be secret, and goes on with another', async () => {
    server.serve('/net.pth?key=a', (request) => folder.cut(fileAnswer(content, request, { etag }), 100_000))
    server.serve('/net.pth?key=b', (request) => fileAnswer(content, request, { etag }))
    await failure(fetchTo(folder.file, server.url('/net.pth?key=a'), { attempts: 1 }), WeightsError)
    const origin = await readFile(path.join(folder.path, 'net.pth.part', 'origin.json'), 'utf8')
    expect(JSON.parse(origin)).toEqual(known())
    await fetchTo(folder.file, server.url('/net.pth?key=b'))
    expect(ranges()).toEqual([undefined, 'bytes=100000-'])
    expect(await folder.sha256()).toBe(hash)
  })
})

describe('whose a part is', () => {
  const here = sha256(new TextEncoder().encode(hostname())).slice(0, 8)
  const elsewhere = here.replaceAll(/./g, (digit) => (digit === '0' ? '1' : '0'))
  const now = Date.now()
  /** No process has this number: the largest that Linux gives is 4,194,304. */
  const dead = 2_000_000_000

  it.each([
    ['nobody', '', now, true],
    ['a process of this host that lives', `.${here}-${process.ppid}-0123abcd`, now, false],
    ['a process of this host that is no more', `.${here}-${dead}-0123abcd`, now, true],
    ['a process of another host', `.${elsewhere}-${dead}-0123abcd`, now, false],
    ['a process of this host, but not for minutes', `.${here}-${process.ppid}-0123abcd`, now - 130_000, true],
    ['a process of another host, but not for minutes', `.${elsewhere}-${dead}-0123abcd`, now - 130_000, true],
    ['a download of another file', `.2.${here}-${dead}-0123abcd`, now - 130_000, false],
    ['somebody else', `.backup`, now - 130_000, false],
  ])('%s: the part is taken, or left', async (_, owner, written, isTaken) => {
    serveFile()
    const part = await leave(first, {}, owner)
    await utimes(path.join(part, 'data'), written / 1000, written / 1000)
    await fetchFile()
    expect(ranges()).toEqual([isTaken ? 'bytes=100000-' : undefined])
    expect(await folder.sha256()).toBe(hash)
    expect(await folder.parts()).toEqual(isTaken ? [] : [path.basename(part)])
  })

  it('the longest is taken, and the others go when the file is there', async () => {
    serveFile()
    await leave(first.subarray(0, 10))
    await leave(first, {}, `.${here}-${dead}-00000000`)
    await leave(first.subarray(0, 20), {}, `.${here}-${dead}-00000001`)
    await fetchFile()
    expect(ranges()).toEqual(['bytes=100000-'])
    expect(await folder.list()).toEqual(['net.pth'])
  })

  it('a file, and a folder with other content, are left alone', async () => {
    serveFile()
    await writeFile(`${folder.file}.part`, 'mine')
    await fetchFile()
    expect(await folder.list()).toEqual(['net.pth', 'net.pth.part'])
    await rm(`${folder.file}.part`)
    await rm(folder.file)
    await mkdir(`${folder.file}.part`)
    await writeFile(`${folder.file}.part/mine`, 'mine')
    await fetchFile()
    expect(await folder.list()).toEqual(['net.pth', 'net.pth.part', 'net.pth.part/mine'])
  })

  it('where it is taken away during a download, that goes on without', async () => {
    server.serve('/net.pth', (request, count) => {
      const answer = fileAnswer(content, request, { etag })
      if (count > 1) return answer
      const pause = async () => {
        await folder.stored(100_000)
        await rename(path.join(folder.path, (await folder.parts())[0]!), path.join(folder.path, 'taken'))
      }
      return { ...answer, pauseAfter: 100_000, pause, cut: true }
    })
    await fetchFile()
    expect(ranges()).toEqual([undefined, undefined])
    expect(await folder.sha256()).toBe(hash)
  })
})

describe('downloads of one file at the same time', () => {
  it('are one in a process', async () => {
    serveFile()
    await Promise.all([
      fetchFile(),
      fetchFile(),
      fetchTo(path.join(folder.path, 'x', '..', 'net.pth'), server.url('/net.pth')),
    ])
    expect(server.requests.length).toBe(1)
    expect(await folder.sha256()).toBe(hash)
  })

  it('in a process go on when one of them stops, also one that waits', async () => {
    server.serve('/net.pth', (request, count) => ({
      ...fileAnswer(content, request, { etag }),
      ...(count === 1 && { pauseAfter: 100_000 }),
    }))
    const [running, waiting] = [new AbortController(), new AbortController()]
    const stopped = fetchFile({ signal: running.signal })
    const neverBegun = fetchFile({ signal: waiting.signal })
    await folder.stored(100_000)
    waiting.abort(new Error('waited'))
    await expect(neverBegun).rejects.toThrow('waited')
    const last = fetchFile() // still waits for the one that runs
    await new Promise((resolve) => setTimeout(resolve, 20))
    running.abort(new Error('ran'))
    await expect(stopped).rejects.toThrow('ran')
    expect((await last)[0]).toMatchObject({ resumedFrom: 100_000 })
    expect(ranges()).toEqual([undefined, 'bytes=100000-'])
    expect(await folder.sha256()).toBe(hash)
  })

  it('fail each for itself', async () => {
    const errors = await Promise.all([failure(fetchFile(), WeightsError), failure(fetchFile(), WeightsError)])
    expect(errors[0]).not.toBe(errors[1])
    expect(server.requests.length).toBe(2)
  })

  it('are side by side in two processes, which both end with the file', async () => {
    const pause = () => until(() => server.requests.length === 2) // each waits for the other
    server.serve('/net.pth', (request) => ({ ...fileAnswer(content, request, { etag }), pauseAfter: 1000, pause }))
    const results = await Promise.all([runNode(script()), runNode(script())])
    expect(results.map(({ status, stdout, stderr }) => ({ status, stdout, stderr }))).toEqual(
      Array(2).fill({ status: 0, stdout: 'begun\ndone\n', stderr: '' }),
    )
    expect(ranges()).toEqual([undefined, undefined])
    expect(await folder.sha256()).toBe(hash)
    expect(await folder.list()).toEqual(['net.pth'])
  })
})
