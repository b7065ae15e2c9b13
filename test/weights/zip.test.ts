import { describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { crc32 } from 'node:zlib'
import { WeightsError } from '../../src/device/errors.js'
import { type ByteSource, bytesSource } from '../../src/weights/byte-source.js'
import { openZip } from '../../src/weights/zip.js'
import { deflated, fields, joined, rawZip, stored, text } from './numpy/raw.js'
import { contents, failure, fromPython, open, string } from './zip-archives.js'

describe('openZip', () => {
  it('reads what Python wrote, without the folder', async () => {
    const entries = await open(fromPython)
    expect([...entries.keys()]).toEqual(['folder/stored', 'über'])
    const [one, other] = [...entries.values()]
    expect(one).toMatchObject({ name: 'folder/stored', size: 8, range: { begin: 80, end: 88 } })
    expect(string(await one!.read())).toBe('as it is')
    expect(string(fromPython.subarray(80, 88))).toBe('as it is')
    expect(other).toMatchObject({ size: 35, range: undefined })
    expect(string(await other!.read())).toBe('again and again and again and again')
  })

  it('reads entries in any order, again and at the same time', async () => {
    const entries = await open(fromPython)
    const reads = ['über', 'folder/stored', 'über', 'folder/stored'].map((name) => entries.get(name)!.read())
    expect((await Promise.all(reads)).map((bytes) => bytes.length)).toEqual([35, 8, 35, 8])
  })

  it.each([stored, deflated])('reads parts of an entry (%o)', async (kind) => {
    // more than one piece of inflated data, none like the other
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i + (i >> 8)) % 251)
    const entry = (await open(rawZip([stored('a', text('x')), kind('b', bytes)]))).get('b')!
    const parts: [number, number][] = [
      [0, 0],
      [0, 1],
      [0, 65536],
      [65535, 65537],
      [70_000, 150_000],
      [199_999, 200_000],
      [200_000, 200_000],
      [0, 200_000],
    ]
    for (const [begin, end] of parts) {
      expect(Buffer.compare(await entry.readPart(begin, end), bytes.subarray(begin, end)), `${begin}-${end}`).toBe(0)
    }
    expect(Buffer.compare(await entry.read(), bytes)).toBe(0)
    for (const [begin, end] of [[-1, 2] as const, [3, 2] as const, [0, 200_001] as const, [NaN, 1] as const]) {
      expect((await failure(entry.readPart(begin, end))).message).toMatch(/of "b", found 200000 bytes/)
    }
  })

  it('reads an archive without entries, with empty ones, and with a comment', async () => {
    expect(await contents(rawZip([]))).toEqual({})
    const entries = [stored('a', text('')), deflated('b', text('')), stored('__proto__', text('c'))]
    const read = await open(rawZip(entries, { comment: 'made by hand' }))
    expect(await Promise.all([...read.values()].map(async (entry) => string(await entry.read())))).toEqual([
      '',
      '',
      'c',
    ])
  })

  it('reads no more than the headers when it opens an archive, and only the range of a stored entry', async () => {
    const bytes = rawZip([stored('big', new Uint8Array(10_000_000).fill(7)), stored('small', text('x'))])
    let readBytes = 0
    const source = bytesSource(bytes, 'net.zip')
    const counting: ByteSource = {
      ...source,
      read: (begin, end) => {
        readBytes += end - begin
        return source.read(begin, end)
      },
    }
    const entries = await openZip(counting)
    expect(readBytes).toBeLessThan(200_000)
    readBytes = 0
    await entries.get('big')!.readPart(5_000_000, 5_000_010)
    expect(readBytes).toBe(10)
  })

  it('hands on what the source throws', async () => {
    const own = new WeightsError('net.zip', { expected: 'a file that can be read', found: 'no permission' })
    const source: ByteSource = { ...bytesSource(fromPython, 'net.zip'), read: () => Promise.reject(own) }
    expect(await failure(openZip(source))).toBe(own)
  })

  it('makes a WeightsError of whatever else the source throws', async () => {
    const memory = new RangeError('Invalid typed array length: 5368709120')
    const broken: ByteSource = { ...bytesSource(fromPython, 'net.zip'), read: () => Promise.reject(memory) }
    expect((await failure(openZip(broken))).message).toMatch(/found Invalid typed array length/)

    const whole = bytesSource(fromPython, 'net.zip')
    let isBroken = false
    const breaking: ByteSource = { ...whole, read: (begin, end) => (isBroken ? broken : whole).read(begin, end) }
    const entries = await openZip(breaking)
    isBroken = true
    for (const name of ['folder/stored', 'über']) {
      expect((await failure(entries.get(name)!.read())).message).toMatch(
        `"${name}" to be whole, and to fit into memory, found Invalid typed array length`,
      )
    }
  })
})

describe('Zip64', () => {
  it('is read in small archives', async () => {
    const archive = new ZipFile()
    archive.addBuffer(Buffer.from('one'), 'a', { forceZip64Format: true, compress: false })
    archive.addBuffer(Buffer.from('two'), 'b', { forceZip64Format: true })
    archive.end({ forceZip64Format: true, comment: '' })
    const pieces: Uint8Array[] = []
    for await (const piece of archive.outputStream) pieces.push(piece as Uint8Array)
    expect(await contents(joined(pieces))).toEqual({ a: 'one', b: 'two' })
  })

  it('is read with an entry of more than 4 GiB, and one behind it', async () => {
    const entries = await openZip(sparse(hugeArchive()))
    expect([...entries].map(([name, { size }]) => [name, size])).toEqual([
      ['huge', hugeSize],
      ['behind', 4],
    ])
    expect(entries.get('huge')!.range).toEqual({ begin: 34, end: 34 + hugeSize })
    expect([...(await entries.get('huge')!.readPart(hugeSize - 3, hugeSize))]).toEqual([0, 0, 0])
    expect(string(await entries.get('behind')!.read())).toBe('tail')
  })
})

const hugeSize = 5 * 2 ** 30

/** Pieces of a file that is too large for the memory, by where they begin; between them are zeros. */
function hugeArchive(): [at: number, bytes: Uint8Array][] {
  const all = 0xffffffff
  const tail = text('tail')
  const behindAt = 34 + hugeSize
  const local = (name: string, crc: number, size: number) => {
    const start = fields([4, 0x04034b50], [2, 45], [2, 0x800], [2, 0], [4, 0x210000], [4, crc], [4, size], [4, size])
    return joined([start, fields([2, name.length], [2, 0]), text(name)])
  }
  const central = (name: string, crc: number, size: number, offset: number) => {
    const versions = fields([4, 0x02014b50], [2, 45], [2, 45], [2, 0x800], [2, 0], [4, 0x210000], [4, crc])
    const lengths = fields([4, all], [4, all], [2, name.length], [2, 28])
    const rest = fields([2, 0], [2, 0], [2, 0], [4, 0], [4, all])
    return joined([versions, lengths, rest, text(name), fields([2, 1], [2, 24], [8, size], [8, size], [8, offset])])
  }
  const behind = joined([local('behind', crc32(tail), 4), tail])
  const directory = joined([central('huge', 0, hugeSize, 0), central('behind', crc32(tail), 4, behindAt)])
  const directoryAt = behindAt + behind.length
  const recordAt = directoryAt + directory.length
  const counts = fields([8, 2], [8, 2], [8, directory.length], [8, directoryAt])
  const record = joined([fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]), counts])
  const locator = fields([4, 0x07064b50], [4, 0], [8, recordAt], [4, 1])
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, 0xffff], [2, 0xffff], [4, all], [4, all], [2, 0])
  return [
    [0, local('huge', 0, all)],
    [behindAt, joined([behind, directory, record, locator, end])],
  ]
}

function sparse(pieces: readonly [at: number, bytes: Uint8Array][]): ByteSource {
  const [lastAt, last] = pieces.at(-1)!
  return {
    name: 'net.zip',
    size: lastAt + last.length,
    read: (begin, end) => {
      const found = new Uint8Array(end - begin)
      for (const [at, bytes] of pieces) {
        const wanted = bytes.subarray(Math.max(0, begin - at), Math.max(0, end - at))
        if (wanted.length > 0) found.set(wanted, Math.max(0, at - begin))
      }
      return Promise.resolve(found)
    },
    close: () => Promise.resolve(),
  }
}
