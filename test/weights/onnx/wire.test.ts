/** How ONNX files lie on the disk: protobuf's encodings, element types, and lies about lengths. */
import { describe, expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { vggBuilder } from './networks.js'
import { encodeModel, node, type RawGraph, type RawTensor } from './onnx-file.js'

const open = (bytes: Uint8Array<ArrayBuffer>) => openSource(bytesSource(bytes, 'net.onnx'))

async function failure(bytes: Uint8Array<ArrayBuffer>): Promise<WeightsError> {
  const error = await open(bytes).then(
    () => new Error('the file was accepted'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  expect((error as WeightsError).file).toBe('net.onnx')
  return error as WeightsError
}

/** One convolution, so that a tensor with such a name as "extra.values" is read under it. */
function graphWith(...tensors: readonly RawTensor[]): RawGraph {
  const weight = { name: 'stem.weight', dims: [1, 1, 1, 1], data_type: 1, raw_data: new Uint8Array(4) }
  const input = [{ name: 'image' }]
  return { node: [node('Conv', ['image', 'stem.weight'], 'out')], initializer: [weight, ...tensors], input }
}

const extra = (tensor: Partial<RawTensor>): RawTensor => ({ name: 'extra.values', dims: [3], ...tensor })
const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

describe('numbers', () => {
  test.each(['all', 'none'] as const)('may be packed: %s', async (packed) => {
    const { graph, expected } = vggBuilder()
    const initializer = graph.initializer.map(({ raw_data, ...tensor }) => {
      return { ...tensor, float_data: Array.from(new Float32Array(raw_data!.buffer as ArrayBuffer)) }
    })
    const opened = await open(encodeModel({ ...graph, initializer }, {}, packed))
    expect([...opened.tensors.keys()]).toEqual([...expected.keys()])
    for (const [name, tensor] of opened.tensors) expect(await tensor.read()).toEqual(expected.get(name))
  })

  const float = (...values: number[]) => ({ dtype: 'float32', data: new Float32Array(values) })
  const int = (...values: number[]) => ({ dtype: 'int32', data: new Int32Array(values) })
  const halves = bytesOf(new Uint16Array([0x3c00, 0xc000, 0x7bff]))

  test.each<[string, Partial<RawTensor>, { dtype: string; data: ArrayBufferView }]>([
    ['float32', { data_type: 1, float_data: [1.5, -2, 1e30] }, float(1.5, -2, Math.fround(1e30))],
    ['float64', { data_type: 11, double_data: [0.1, 1e300, -1] }, float(Math.fround(0.1), Infinity, -1)],
    ['float16', { data_type: 10, int32_data: [0x3c00, 0xc000, 0xfc00] }, float(1, -2, -Infinity)],
    ['raw float16', { data_type: 10, raw_data: halves }, float(1, -2, 65504)],
    ['bfloat16', { data_type: 16, int32_data: [0x3f80, 0xc040, 0x7f80] }, float(1, -3, Infinity)],
    ['float8_e4m3fn', { data_type: 17, int32_data: [0x38, 0xb8, 0x7e] }, float(1, -1, 448)],
    ['raw float8_e5m2', { data_type: 19, raw_data: Uint8Array.of(0x3c, 0xbc, 0x7c) }, float(1, -1, Infinity)],
    ['int32', { data_type: 6, int32_data: [-1, 2147483647, -2147483648] }, int(-1, 2147483647, -2147483648)],
    ['int16', { data_type: 5, int32_data: [-32768, 32767, -1] }, int(-32768, 32767, -1)],
    ['uint16', { data_type: 4, int32_data: [65535, 0, 1] }, int(65535, 0, 1)],
    ['int8', { data_type: 3, int32_data: [-128, 127, -1] }, int(-128, 127, -1)],
    ['uint8', { data_type: 2, int32_data: [255, 0, 1] }, { dtype: 'uint8', data: Uint8Array.of(255, 0, 1) }],
    ['bool', { data_type: 9, int32_data: [1, 0, 1] }, { dtype: 'bool', data: Uint8Array.of(1, 0, 1) }],
    [
      'int64',
      { data_type: 7, int64_data: [-1, 2 ** 40, -(2 ** 52)] },
      { dtype: 'int64', data: BigInt64Array.of(-1n, 2n ** 40n, -(2n ** 52n)) },
    ],
    [
      'raw int64',
      { data_type: 7, raw_data: bytesOf(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 0n)) },
      { dtype: 'int64', data: BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 0n) },
    ],
  ])('of type %s are read', async (type, tensor, expected) => {
    const opened = await open(encodeModel(graphWith(extra(tensor))))
    const stored = opened.tensors.get('extra.values')!
    expect(await stored.read()).toEqual({ shape: [3], ...expected })
    expect(stored.storedType).toBe(type.replace('raw ', ''))
    expect(stored.dtype).toBe(expected.dtype)
  })

  test('may be none', async () => {
    const opened = await open(encodeModel(graphWith(extra({ data_type: 1, dims: [0, 3] }))))
    expect(await opened.tensors.get('extra.values')!.read()).toEqual({ shape: [0, 3], ...float() })
  })

  test('are read into memory that is given', async () => {
    const values = new Float32Array([1, 2, 3])
    const bytes = encodeModel(graphWith(extra({ data_type: 1, raw_data: bytesOf(values) })))
    const source = bytesSource(bytes, 'net.onnx')
    const opened = await openSource({
      ...source,
      read: async (begin, end, scratch) => {
        const read = await source.read(begin, end)
        if (!scratch) return read
        scratch.set(read)
        return scratch.subarray(0, read.length)
      },
    })
    const scratch = new Uint8Array(64)
    const { data } = await opened.tensors.get('extra.values')!.read(scratch)
    expect(data).toEqual(values)
    expect(data.buffer).toBe(scratch.buffer)
  })

  const twelve = new Uint8Array(12)
  test.each<[string, Partial<RawTensor>, RegExp]>([
    ['too few numbers', { data_type: 6, int32_data: [1, 2] }, /3 numbers for 3 elements of int32, found 2 bytes/],
    ['no numbers', { data_type: 1 }, /12 bytes for 3 elements of float32, found 0 bytes/],
    ['far too many', { data_type: 6, int32_data: Array<number>(31).fill(1) }, /3 numbers .* found 31 bytes/],
    ['numbers in two places', { data_type: 1, float_data: [1, 2, 3], raw_data: twelve }, /data in one place/],
    ['numbers here and elsewhere', { data_type: 1, raw_data: twelve, data_location: 1 }, /data in one place/],
    ['numbers of another type', { data_type: 1, double_data: [1, 2, 3] }, /float32 in float_data .* found double_data/],
    ['a part of them', { data_type: 1, raw_data: twelve, segment: { begin: 0, end: 1 } }, /a whole tensor/],
    ['a type that is not known', { data_type: 0, raw_data: twelve }, /data type 0/],
    ['complex numbers', { data_type: 14, raw_data: new Uint8Array(24) }, /data type 14/],
    ['a size beyond the exact integers', { data_type: 1, dims: [2 ** 53] }, /a shape of integers/],
  ])('are refused: %s', async (_, tensor, message) => {
    const error = await failure(encodeModel(graphWith(extra(tensor))))
    expect(error.message).toMatch(message)
  })

  test.each([
    ['too few', [300, 300], /3 numbers, found 2/],
    ['too many', [1, 2, 3, 4], /3 numbers, found 4/],
  ])('are refused when they are read: %s', async (_, int32_data, message) => {
    const opened = await open(encodeModel(graphWith(extra({ data_type: 6, int32_data }))))
    await expect(opened.tensors.get('extra.values')!.read()).rejects.toThrow(message)
    await expect(opened.tensors.get('extra.values')!.read()).rejects.toThrow(WeightsError)
  })
})

describe('a file', () => {
  /** ir_version 8, then a graph (field 7) with this content. */
  const model = (...graph: number[]) => Uint8Array.of(8, 8, 0x3a, graph.length, ...graph)
  const initializer = (...tensor: number[]) => model(0x2a, tensor.length, ...tensor)

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['a message that is longer than the file', Uint8Array.of(8, 8, 0x3a, 100, 0), /truncated/],
    ['a length of 4 GiB', Uint8Array.of(8, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x07), /ends at 8; it is truncated/],
    ['a length of 2^35', Uint8Array.of(8, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f), /damaged/],
    ['a field that is longer than its message', model(0x2a, 20, 8, 1), /truncated/],
    ['data that is longer than its tensor', initializer(0x4a, 0xff, 0xff, 0x7f), /truncated/],
    ['an integer of 11 bytes', model(0x2a, 12, 0x10, ...Array<number>(11).fill(0x80)), /damaged/],
    ['a field with the number 0', model(0x02, 0), /the number 0/],
    ['the beginning of a group', model(0x0b), /wire type 3/],
    ['the end of a group', model(0x0c), /wire type 4/],
    ['an unknown wire type', model(0x0e), /wire type 6/],
    ['a number for a message', model(0x28, 1), /wire type 0 instead of 2 for field 5/],
    ['a number for a name', initializer(0x40, 1), /wire type 0 instead of 2 for field 8/],
    ['a text for a type', initializer(0x12, 1, 1), /wire type 2 instead of 0 for field 2/],
    ['a name that is not UTF-8', initializer(0x42, 1, 0xff), /not UTF-8/],
    ['two graphs', Uint8Array.of(8, 8, 0x3a, 0, 0x3a, 0), /found 2 graphs/],
    ['nothing but a version', Uint8Array.of(8, 8, 0x12, 0), /found 0 graphs/],
  ])('is refused with %s', async (_, bytes, message) => {
    expect((await failure(bytes)).message).toMatch(message)
  })

  test('is refused after each of its bytes', async () => {
    const whole = encodeModel(vggBuilder().graph)
    await open(whole)
    for (let length = 0; length < whole.length; length += length < 400 ? 1 : 13) {
      expect((await failure(whole.slice(0, length))).message).toMatch(/truncated|empty|an unknown format|0 graphs/)
    }
  })

  const varint = (value: number): number[] => (value < 128 ? [value] : [128 + (value % 128), ...varint(value >> 7)])

  /** A model whose graph is one field many times. */
  function manyTimes(field: Uint8Array, times: number): Uint8Array<ArrayBuffer> {
    const head = [8, 8, 0x3a, ...varint(field.length * times)]
    const bytes = new Uint8Array(head.length + field.length * times)
    bytes.set(head)
    for (let i = 0; i < times; i++) bytes.set(field, head.length + i * field.length)
    return bytes
  }

  test('is refused with more nodes than any network has', async () => {
    const empty = Uint8Array.of(0x0a, 0)
    expect((await failure(manyTimes(empty, 249_000))).message).not.toMatch(/more than/)
    expect((await failure(manyTimes(empty, 250_000))).message).toMatch(/more than 250000 fields/)
  })

  test('is refused with longer names than any network has', async () => {
    const name = new Uint8Array(4 + 4 + 999_999).fill(0x61)
    name.set([0x5a, ...varint(4 + 999_999), 0x0a, ...varint(999_999)]) // an input with a name
    expect((await failure(manyTimes(name, 4))).message).not.toMatch(/more than/)
    expect((await failure(manyTimes(name, 5))).message).toMatch(/more than 4194304 bytes of names/)
  })

  test('is not read but for its graph', async () => {
    const { graph } = vggBuilder()
    const large = { name: 'large', dims: [2 ** 21], data_type: 1, raw_data: new Uint8Array(2 ** 23) }
    const bytes = encodeModel({ ...graph, initializer: [large, ...graph.initializer] })
    const source = bytesSource(bytes, 'net.onnx')
    let read = 0
    const opened = await openSource({
      ...source,
      read: (begin, end) => {
        read += end - begin
        return source.read(begin, end)
      },
    })
    expect(bytes.length).toBeGreaterThan(2 ** 23)
    expect(read).toBeLessThan(2 ** 16)
    read = 0
    await opened.tensors.get('classifier.0.bias')!.read()
    expect(read).toBe(16)
  })
})
