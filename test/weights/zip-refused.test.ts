/** Archives that are damaged, or that somebody made to do harm. */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type ByteSource, bytesSource } from '../../src/weights/byte-source.js'
import { largestUnpacked, openZip } from '../../src/weights/zip.js'
import { deflated, fields, joined, type RawEntry, rawZip, stored, text } from './numpy/raw.js'
import { contents, failure, fromPython, open, string } from './zip-archives.js'

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
