/** How much a file may ask for: what is just allowed is opened, and one more is refused. */
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { deflated, rawZip, stored } from '../numpy/raw.js'
import {
  bytesOf,
  dict,
  floats,
  global,
  int,
  legacyFile,
  type Part,
  pickle,
  type RawTensor,
  tensor,
  text,
  tuple,
  zipFile,
} from './raw.js'
import { failure, read } from './reading.js'

async function shapesOf(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, readonly number[]>> {
  const opened = await openSource(bytesSource(bytes, 'net.pth'))
  return Object.fromEntries([...opened.tensors].map(([name, { shape }]) => [name, shape]))
}

const saved = (...tensors: RawTensor[]) =>
  pickle(dict(Object.fromEntries(tensors.map((raw, index) => [`w${index}`, tensor(raw)]))))

describe.each([
  ['zip', zipFile],
  ['legacy', legacyFile],
])('in the %s format', (_, file) => {
  /** How many float32 the tensors of a file may have, whose length does not depend on their sizes. */
  const mostOf = (count: number) =>
    (64 * 2 ** 20 + 32 * file(saved(...Array<RawTensor>(count).fill({ shape: [1], strides: [0] }))).length) / 4

  test('a tensor repeats its elements as far as the size of the file allows', async () => {
    const most = mostOf(1)
    expect(await shapesOf(file(saved({ shape: [most], strides: [0] })))).toEqual({ w0: [most] })
    const expected = new RegExp(`tensor "w0": expected at most ${4 * most} bytes in all .*, found ${4 * (most + 1)} or`)
    expect(await failure(file(saved({ shape: [most + 1], strides: [0] })))).toMatch(expected)
  })

  test('tensors that share elements count each for itself', async () => {
    const most = mostOf(3)
    const two = [5, most - 15].map((length) => ({ shape: [length], strides: [0] }))
    expect(Object.keys(await shapesOf(file(saved(...two, { shape: [10], strides: [0] }))))).toHaveLength(3)
    expect(await failure(file(saved(...two, { shape: [11], strides: [0] })))).toMatch(/tensor "w2": expected at most/)
  })

  test('a tensor has 64 dimensions at most', async () => {
    const ones = (count: number) =>
      saved({ shape: Array<number>(count).fill(1), strides: Array<number>(count).fill(1) })
    expect((await shapesOf(file(ones(64)))).w0).toHaveLength(64)
    expect(await failure(file(ones(65)))).toMatch(/a size of integers, none negative, 64 at most, found a tuple of 65/)
  })

  test('a size that thousands of tensors share is refused by its length', async () => {
    const size: Part = ['(', 'K\x01'.repeat(100_000), 't', 'q', 9]
    const storage: Part = [tuple(text('storage'), global('torch', 'FloatStorage'), text('0'), text('cpu'), int(2)), 'Q']
    const long: Part = [global('torch._utils', '_rebuild_tensor'), '(', storage, int(0), size, ['h', 9], 'tR', 'q', 8]
    const names = Array.from({ length: 5_000 }, (_, index): Part => [text(`w${index}`), 'h', 8])
    expect(await failure(file(pickle(long, '0}(', names, 'u')))).toMatch(/found a tuple of 100000/)
  })

  test('a dict that contains itself under every key is searched once', async () => {
    const keys = [
      'state_dict',
      'model_state_dict',
      'model_state',
      'model',
      'module',
      'net',
      'network',
      'weights',
      'params',
    ]
    const entries = Array.from({ length: 50_000 }, (_, index): Part => [int(index), 'N'])
    const self = pickle('}q', 0, '(', ...keys.map((key): Part => [text(key), 'h', 0]), entries, 'u')
    expect(await failure(file(self))).toMatch(/found a dict with "state_dict", "model_state_dict", .*, \.\.\.$/)
  })

  test('a million dicts beside the weights are read over', async () => {
    const dicts = pickle(dict({ a: ['('.concat('}'.repeat(1_000_000)), 't'], w: tensor() }))
    expect(await read(file(dicts))).toEqual({ w: [1, 2] })
  })
})

describe('the storages of an archive', () => {
  test.each([
    [7, /expected a storage of 8 bytes, found 7; the file is truncated/],
    [12, /expected a storage of 8 bytes, found 12/],
  ])('of another size than was said, %d bytes, are refused', async (length, message) => {
    expect(await failure(zipFile(saved({}), { 0: new Uint8Array(length) }))).toMatch(message)
  })

  test('may end with a part of an element', async () => {
    expect(await read(zipFile(saved({}), { 0: bytesOf(floats(1, 2), 7, 7, 7) }))).toEqual({ w0: [1, 2] })
  })

  /** A storage of 4 MiB whose last element many tensors are, stored or compressed. */
  function archive(entry: typeof stored, count: number) {
    const bytes = new Uint8Array(4 * 2 ** 20)
    bytes.set(floats(5), bytes.length - 4)
    const length = bytes.length / 4
    const data = saved(...Array<RawTensor>(count).fill({ shape: [1], offset: length - 1, length }))
    return rawZip([
      stored('archive/data.pkl', data, { crc: crc32(data) }),
      entry('archive/data/0', bytes, { crc: crc32(bytes) }),
    ])
  }

  test('may be compressed', async () => {
    expect(await read(archive(deflated, 2))).toEqual({ w0: [5], w1: [5] })
  })

  test('are not unpacked a hundred times for as many tensors', async () => {
    expect(Object.keys(await shapesOf(archive(stored, 100)))).toHaveLength(100)
    expect(await failure(archive(deflated, 100))).toMatch(/tensor "w\d+": expected at most \d+ bytes in all tensors/)
  })
})
