import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { WeightsError } from '../../src/device/errors.js'
import { type ByteSource, bytesSource } from '../../src/weights/byte-source.js'
import { largestUnpacked, openZip } from '../../src/weights/zip.js'
import { deflated, fields, joined, type RawEntry, rawZip, stored, text } from './numpy/raw.js'

const open = (bytes: Uint8Array<ArrayBuffer>) => openZip(bytesSource(bytes, 'net.zip'))

async function failure(promise: Promise<unknown>): Promise<WeightsError> {
  const error = await promise.then(
    () => new Error('the archive was accepted'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  expect((error as WeightsError).file).toBe('net.zip')
  return error as WeightsError
}

const string = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Reads every entry whole. */
async function contents(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, string>> {
  const entries: [string, string][] = []
  for (const [name, entry] of await open(bytes)) entries.push([name, string(await entry.read())])
  return Object.fromEntries(entries)
}

/** Python's zipfile wrote it: a folder, a file that is stored and one that is deflated. */
const fromPython = Uint8Array.from(
  Buffer.from(
    'UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAAHAAAAZm9sZGVyL1BLAwQUAAAAAAAAACEAsyROlggAAAAIAAAADQAAAGZvbGRlci9zdG9yZWRhcyBp' +
      'dCBpc1BLAwQUAAAICAAAACEAnX2sxw8AAAAjAAAABQAAAMO8YmVyS0xPzMxTSMxLUUjExQIAUEsBAhQDFAAAAAAAAAAhAAAAAAAAAAAAAAAAAAcA' +
      'AAAAAAAAAAAAAIABAAAAAGZvbGRlci9QSwECFAMUAAAAAAAAACEAsyROlggAAAAIAAAADQAAAAAAAAAAAAAAgAElAAAAZm9sZGVyL3N0b3JlZFBL' +
      'AQIUAxQAAAgIAAAAIQCdfazHDwAAACMAAAAFAAAAAAAAAAAAAACAAVgAAADDvGJlclBLBQYAAAAAAwADAKMAAACKAAAAAAA=',
    'base64',
  ),
)

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

describe('a damaged archive', () => {
  it('is refused when truncated after any byte', async () => {
    for (let length = 0; length < fromPython.length; length++) await failure(open(fromPython.slice(0, length)))
  })

  it('is refused with bytes behind its end', async () => {
    expect((await failure(open(joined([fromPython, text('x')])))).message).toMatch(/comment length/)
  })

  it.each([
    ['stored', stored('a', text('content'), { crc: 1 })],
    ['deflated', deflated('a', text('content'), { crc: 1 })],
  ])('is refused where its data has another CRC-32 (%s)', async (_, entry) => {
    const read = (await open(rawZip([entry]))).get('a')!.read()
    const sum = crc32('content').toString(16).padStart(8, '0')
    expect((await failure(read)).message).toBe(
      `net.zip: expected a zip archive: the data of "a" with the CRC-32 00000001, found ${sum}; it is damaged`,
    )
  })

  it('is read where the CRC-32 was not computed', async () => {
    const entries = [stored('a', text('content'), { crc: 0 }), deflated('b', text('content'), { crc: 0 })]
    expect(await contents(rawZip(entries))).toEqual({ a: 'content', b: 'content' })
  })

  const content = text('content '.repeat(50_000))
  const whole = deflated('a', content)
  it.each<[string, RawEntry, RegExp]>([
    ['cut off', { ...whole, bytes: whole.bytes.slice(0, -5) }, /"a" to be whole, .* found unexpected end of file/],
    ['no deflate data', { ...whole, bytes: new Uint8Array(2000).fill(0xff) }, /found invalid block type/],
    ['shorter than announced', { ...whole, size: content.length + 1 }, /400001 bytes, unpacked, .* found 400000/],
    ['longer than announced', { ...whole, size: content.length - 1 }, /399999 bytes, unpacked, .* found more/],
    ['not empty as announced', { ...whole, size: 0 }, /0 bytes, unpacked, .* found more/],
  ])('is refused with compressed data that is %s', async (_, entry, message) => {
    const read = (await open(rawZip([entry]))).get('a')!.read()
    expect((await failure(read)).message).toMatch(message)
  })

  it('is refused where a part of compressed data is missing', async () => {
    const entry = (await open(rawZip([{ ...whole, size: content.length + 1 }]))).get('a')!
    expect((await entry.readPart(0, content.length)).length).toBe(content.length)
    await failure(entry.readPart(content.length, content.length + 1))
  })

  it.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['text', text('this is no zip archive, but long enough to be one'), /signature not found/],
    ['nothing', new Uint8Array(), /signature not found/],
    [
      'an entry more than it has',
      rawZip([stored('a', text('long enough '.repeat(9)))], { count: 2, comment: 'x'.repeat(50) }),
      /invalid central directory file header signature/,
    ],
    [
      'more entries than it has bytes',
      rawZip([stored('a', text('x'))], { count: 65535 }),
      /at most 1 entries, found 65535/,
    ],
    ['a directory elsewhere', rawZip([stored('a', text('x'))], { directoryOffset: 1 }), /signature/],
    ['a directory behind its end', rawZip([stored('a', text('x'))], { directoryOffset: 2 ** 31 }), /it is truncated/],
    ['an entry elsewhere', rawZip([stored('a', text('x'), { offset: 1 })]), /invalid local file header signature/],
    ['an entry behind its end', rawZip([stored('a', text('x'), { offset: 2 ** 31 })]), /it is truncated/],
    ['data behind its end', rawZip([stored('a', text('x'), { size: 500, packedSize: 500 })]), /overflows file bounds/],
    ['two sizes of stored data', rawZip([stored('a', text('x'), { size: 2 })]), /size mismatch/],
    [
      'a broken extra field',
      rawZip([stored('a', text('x'), { directoryExtra: text('abcdef') })]),
      /extra field length/,
    ],
    [
      'Zip64 sizes that are missing',
      rawZip([stored('a', text('x'), { size: 2 ** 32 - 1, directoryExtra: fields([2, 1], [2, 0]) })]),
      /does not include uncompressed size/,
    ],
    [
      'Zip64 sizes of 2^64 - 1',
      rawZip([
        stored('a', text('x'), {
          size: 2 ** 32 - 1,
          packedSize: 2 ** 32 - 1,
          directoryExtra: joined([fields([2, 1], [2, 16]), new Uint8Array(16).fill(255)]),
        }),
      ]),
      /at most \d+ bytes, unpacked/,
    ],
  ])('is refused with %s', async (_, bytes, message) => {
    expect((await failure(open(bytes))).message).toMatch(message)
  })
})

describe('a hostile archive', () => {
  it.each([
    ['../a', /invalid relative path/],
    ['a/../b', /invalid relative path/],
    ['..', /invalid relative path/],
    ['/etc/passwd', /absolute path/],
    ['C:a', /absolute path/],
    ['a\\b', /invalid characters/],
    ['a\0b', /names of readable characters, found "a\\u0000b"/],
  ])('is refused with the name %j', async (name, message) => {
    expect((await failure(open(rawZip([stored(name, text('x'))])))).message).toMatch(message)
  })

  it('is refused with a name twice', async () => {
    const twice = rawZip([stored('a', text('x')), stored('b', text('y')), stored('a', text('z'))])
    expect((await failure(open(twice))).message).toMatch(/every name once, found "a" twice/)
  })

  it.each<[string, Partial<RawEntry>, RegExp]>([
    ['encrypted', { flags: 0x801, packedSize: 19, size: 7 }, /without a password, found "a", which is encrypted/],
    ['strongly encrypted', { flags: 0x841 }, /strong encryption/],
    ['compressed by bzip2', { method: 12 }, /compressed by deflate, found compression method 12/],
    ['compressed by deflate64', { method: 9 }, /found compression method 9/],
    ['of two names', { localName: 'b' }, /"a" to be what the directory says/],
    ['of two compression methods', { localMethod: 8 }, /"a" to be what the directory says/],
  ])('is refused with an entry that is %s', async (_, lies, message) => {
    const bytes = new Uint8Array(lies.packedSize ?? 7)
    expect((await failure(open(rawZip([stored('a', bytes, lies)])))).message).toMatch(message)
  })

  it('is refused where entries share bytes', async () => {
    const inner = stored('inner', text('the content'))
    const archive = rawZip([inner, stored('outer', text('x'))])
    const same = rawZip([inner, stored('inner2', text('the content'), { offset: 0 })])
    expect([...(await open(archive)).keys()]).toEqual(['inner', 'outer'])
    expect((await failure(open(same))).message).toMatch(/"inner2" to be what the directory says/)

    // an entry whose data is all of the next one, header included, as in the bombs of bamsoftware.com
    const local = rawZip([inner]).slice(0, 30 + 5 + 11)
    const nested = rawZip([stored('outer', local), stored('inner', text('the content'), { offset: 30 + 5 })])
    expect((await failure(open(nested))).message).toMatch(/"inner" to have bytes of its own, found bytes 35 to 81/)
  })

  it('is refused where an entry reaches into the directory', async () => {
    const honest = rawZip([stored('a', text('content'))])
    const longer = rawZip([stored('a', text('content'), { size: 8, packedSize: 8 })])
    expect((await open(honest)).size).toBe(1)
    expect((await failure(open(longer))).message).toMatch(/"a" to have bytes of its own, found bytes 0 to 39/)
  })

  it('is refused where an entry announces more than deflate can hold', async () => {
    const packed = new Uint8Array(10)
    const announcing = (size: number) => open(rawZip([stored('a', packed, { method: 8, size })]))
    expect((await announcing(10320)).get('a')!.size).toBe(10320)
    expect((await failure(announcing(10321))).message).toMatch(/at most 10320 bytes in "a", .* found 10321 announced/)
  })

  it('is refused where all entries together announce too much', async () => {
    const packed = new Uint8Array(60_000)
    const archive = (size: number) => rawZip(['a', 'b'].map((name) => stored(name, packed, { method: 8, size })))
    const limit = largestUnpacked(archive(0).length)
    expect(limit).toBe(64 * 2 ** 20 + 100 * archive(0).length)
    expect(limit % 2).toBe(0)
    expect((await open(archive(limit / 2))).size).toBe(2)
    expect((await failure(open(archive(limit / 2 + 1)))).message).toMatch(`at most ${limit} bytes, unpacked`)
  })

  it('is not unpacked beyond what it announces', async () => {
    // 64 MiB of zeros that say that they are 64 KiB: with the first piece too many it is over
    const bomb = deflated('a', new Uint8Array(64 * 2 ** 20), { size: 64 * 1024 })
    let readBytes = 0
    const source = bytesSource(rawZip([bomb, stored('b', new Uint8Array(1_000_000))]), 'net.zip')
    const counting: ByteSource = {
      ...source,
      read: (begin, end) => {
        readBytes += end - begin
        return source.read(begin, end)
      },
    }
    const entry = (await openZip(counting)).get('a')!
    readBytes = 0
    const before = process.memoryUsage().arrayBuffers
    expect((await failure(entry.read())).message).toMatch(/65536 bytes, unpacked, .* found more/)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20)
    expect(readBytes).toBeLessThanOrEqual(bomb.bytes.length)
  })

  it('may have thousands of entries', async () => {
    const entries = Array.from({ length: 5000 }, (_, i) => stored(`entry ${i}`, text(`${i}`)))
    const read = await open(rawZip(entries))
    expect(read.size).toBe(5000)
    expect(string(await read.get('entry 4999')!.read())).toBe('4999')
  })
})
