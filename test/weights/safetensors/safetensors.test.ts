import { describe, expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { encodeSafetensors, parseSafetensors, type StateDict } from '../../../src/weights/index.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSafetensors } from '../../../src/weights/safetensors/reader.js'
import { safetensorsPieces } from '../../../src/weights/safetensors/writer.js'
import { storedArrays } from '../../../src/weights/stored-arrays.js'
import { bytesOf, rawSafetensors } from './raw.js'

const example: StateDict = new Map([
  ['conv1.weight', { shape: [2, 1, 1, 2], dtype: 'float32', data: new Float32Array([1, -2.5, 3e-40, Infinity]) }],
  ['bn1.num_batches_tracked', { shape: [], dtype: 'int64', data: new BigInt64Array([1234567890123456789n]) }],
  ['mask', { shape: [3], dtype: 'bool', data: new Uint8Array([1, 0, 1]) }],
  ['codes', { shape: [1, 5], dtype: 'uint8', data: new Uint8Array([0, 255, 7, 8, 9]) }],
  ['index', { shape: [2], dtype: 'int32', data: new Int32Array([-5, 2147483647]) }],
  ['empty', { shape: [0, 3], dtype: 'float32', data: new Float32Array() }],
])

const oneTensor = (dtype: string, shape: number[], data: Uint8Array): Uint8Array =>
  rawSafetensors({ t: { dtype, shape, data_offsets: [0, data.length] } }, data)

describe('parseSafetensors', () => {
  it('reads bytes that follow the specification', () => {
    const data = bytesOf(new Float32Array([1, 2, 3, 4, 5, 6]))
    const bytes = rawSafetensors(
      '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},' +
        '"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}   ',
      data,
    )
    const { stateDict, metadata } = parseSafetensors(bytes, 'x.safetensors')
    expect([...stateDict.keys()]).toEqual(['a', 'b'])
    expect(stateDict.get('a')).toEqual({ shape: [2, 2], dtype: 'float32', data: new Float32Array([1, 2, 3, 4]) })
    expect(stateDict.get('b')).toEqual({ shape: [2], dtype: 'float32', data: new Float32Array([5, 6]) })
    expect({ ...metadata }).toEqual({ format: 'pt' })
  })

  it('reads every element type', () => {
    const read = (dtype: string, data: ArrayBufferView, length: number) =>
      parseSafetensors(oneTensor(dtype, [length], bytesOf(data)), 'x').stateDict.get('t')
    const float = (...values: number[]) => ({
      shape: [values.length],
      dtype: 'float32',
      data: new Float32Array(values),
    })
    expect(read('F64', new Float64Array([0.1, 1e300]), 2)).toEqual(float(Math.fround(0.1), Infinity))
    expect(read('BF16', new Uint16Array([0x3f80, 0xc040, 0x7f80]), 3)).toEqual(float(1, -3, Infinity))
    expect(read('F16', new Uint16Array([0x3c00, 0xc000, 0x7bff]), 3)).toEqual(float(1, -2, 65504))
    const int = (...values: number[]) => ({ shape: [values.length], dtype: 'int32', data: new Int32Array(values) })
    expect(read('I32', new Int32Array([-7]), 1)).toEqual(int(-7))
    expect(read('I16', new Int16Array([-7]), 1)).toEqual(int(-7))
    expect(read('U16', new Uint16Array([65535]), 1)).toEqual(int(65535))
    expect(read('I8', new Int8Array([-128]), 1)).toEqual(int(-128))
    expect(read('I64', new BigInt64Array([-7n]), 1)).toEqual({
      shape: [1],
      dtype: 'int64',
      data: new BigInt64Array([-7n]),
    })
    expect(read('U8', new Uint8Array([200]), 1)).toEqual({ shape: [1], dtype: 'uint8', data: new Uint8Array([200]) })
    expect(read('BOOL', new Uint8Array([1]), 1)).toEqual({ shape: [1], dtype: 'bool', data: new Uint8Array([1]) })
  })

  it('widens all 65,536 half-precision numbers exactly', () => {
    const halves = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)
    const read = parseSafetensors(oneTensor('F16', [0x10000], bytesOf(halves)), 'x').stateDict.get('t')!.data
    for (let bits = 0; bits < 0x10000; bits++) {
      const sign = bits & 0x8000 ? -1 : 1
      const exponent = (bits >> 10) & 31
      const fraction = bits & 1023
      const special = fraction === 0 ? sign * Infinity : NaN
      const value = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
      if (!Object.is(read[bits], exponent === 31 ? special : sign * value)) expect(read[bits]).toBe(`half ${bits}`)
    }
  })

  it('does not copy aligned data, copies the rest, and takes a Buffer', () => {
    const header = '{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    const data = bytesOf(new Float32Array([1, 2]))
    for (let spaces = 0; spaces < 8; spaces++) {
      const bytes = rawSafetensors(header + ' '.repeat(spaces), data)
      const isAligned = (header.length + spaces) % 4 === 0
      for (const input of [bytes, Buffer.from(bytes.buffer)]) {
        const read = parseSafetensors(input, 'x').stateDict.get('t')!.data
        expect(read).toEqual(new Float32Array([1, 2]))
        expect(read.buffer === bytes.buffer).toBe(isAligned)
      }
    }
  })

  it('takes any name, without touching an object prototype', () => {
    const names = ['__proto__', 'constructor', '10', '9', '', 'a"b\\', '\u{1f600}', '\ud800']
    const dict: StateDict = new Map(
      names.map((name, index) => [name, { shape: [1], dtype: 'float32', data: new Float32Array([index]) }]),
    )
    const metadata = JSON.parse('{"__proto__":"a","toString":"b"}') as Record<string, string>
    const read = parseSafetensors(encodeSafetensors(dict, metadata), 'x')
    expect([...read.stateDict.keys()].sort()).toEqual([...names].sort())
    names.forEach((name, index) => expect(read.stateDict.get(name)?.data[0]).toBe(index))
    expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort())
    expect('toString' in parseSafetensors(encodeSafetensors(dict), 'x').metadata).toBe(false)
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
  })
})

describe('encodeSafetensors', () => {
  it('gives back what it was given', () => {
    const read = parseSafetensors(encodeSafetensors(example, { epoch: '3', note: 'grüße' }), 'x')
    expect(new Map([...read.stateDict].sort())).toEqual(new Map([...example].sort()))
    expect({ ...read.metadata }).toEqual({ epoch: '3', note: 'grüße' })
    expect(parseSafetensors(encodeSafetensors(new Map()), 'x').stateDict.size).toBe(0)
  })

  it('writes the same bytes whatever the order, with all data aligned', () => {
    const bytes = encodeSafetensors(example, { a: '1', b: '2' })
    expect(encodeSafetensors(new Map([...example].reverse()), { b: '2', a: '1' })).toEqual(bytes)
    const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    expect(headerLength % 8).toBe(0)
    for (const array of parseSafetensors(bytes, 'x').stateDict.values()) expect(array.data.buffer).toBe(bytes.buffer)
    const names = Object.keys(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength))) as object)
    expect(names).toEqual([
      '__metadata__',
      'bn1.num_batches_tracked',
      'conv1.weight',
      'empty',
      'index',
      'codes',
      'mask',
    ])
  })

  it.each([
    ['too few elements', { shape: [3], dtype: 'float32', data: new Float32Array(2) }],
    ['a negative size', { shape: [-2, -1], dtype: 'float32', data: new Float32Array(2) }],
    ['a broken size', { shape: [0.5, 4], dtype: 'float32', data: new Float32Array(2) }],
    ['data of another type', { shape: [2], dtype: 'float32', data: new Float64Array(2) as unknown as Float32Array }],
  ] as const)('refuses %s', (_, array) => {
    const encode = () => encodeSafetensors(new Map([['fc.weight', array]]), {}, 'out.safetensors')
    expect(encode).toThrow(WeightsError)
    expect(encode).toThrow(/^out\.safetensors: tensor "fc.weight": expected .* elements of float32 .*, found Float/)
  })

  it('refuses a name and metadata that the format cannot hold', () => {
    const array = example.get('mask')!
    expect(() => encodeSafetensors(new Map([['__metadata__', array]]))).toThrow(WeightsError)
    expect(() => encodeSafetensors(example, { epoch: 3 as unknown as string })).toThrow(
      /string for the metadata "epoch"/,
    )
    const long: StateDict = new Map([['x'.repeat(100_000_001), array]])
    expect(() => encodeSafetensors(long)).toThrow(/a header of at most 100000000 bytes/)
  })
})

describe('safetensorsPieces', () => {
  const written = async (tensors: Parameters<typeof safetensorsPieces>[0]) => {
    const pieces: Uint8Array[] = []
    for await (const piece of safetensorsPieces(tensors, { epoch: '3' }, 'out.safetensors')) pieces.push(piece)
    return pieces
  }

  it('writes what encodeSafetensors does, without copying the data', async () => {
    const pieces = await written(storedArrays(example))
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(encodeSafetensors(example, { epoch: '3' })))
    expect(pieces.map(({ buffer }) => buffer)).toContain(example.get('conv1.weight')!.data.buffer)
  })

  it('reads each tensor when its turn comes, and once', async () => {
    const log: string[] = []
    const tensors = new Map(
      [...storedArrays(example)].map(([name, stored]) => [
        name,
        { ...stored, read: () => (log.push(name), stored.read()) },
      ]),
    )
    const pieces = safetensorsPieces(tensors)
    await pieces.next()
    expect(log).toEqual([])
    await pieces.next()
    expect(log).toEqual(['bn1.num_batches_tracked'])
    for await (const piece of pieces) expect(piece).toBeInstanceOf(Uint8Array)
    expect(log).toEqual(['bn1.num_batches_tracked', 'conv1.weight', 'empty', 'index', 'codes', 'mask'])
  })

  it('refuses a tensor that is not what was announced', async () => {
    const array = { shape: [3], dtype: 'float32', data: new Float32Array(3) } as const
    for (const announced of [{ shape: [4] }, { shape: [3, 1] }, { dtype: 'int32' as const }]) {
      const stored = { ...array, ...announced, read: () => Promise.resolve(array) }
      await expect(written(new Map([['fc.bias', stored]]))).rejects.toThrow(
        /^out\.safetensors: tensor "fc\.bias": expected . elements of .*, found Float32Array of 3/,
      )
    }
  })
})

describe('openSafetensors', () => {
  it('knows what is in a file before it reads any data', async () => {
    const bytes = encodeSafetensors(example, { epoch: '3' })
    const source = bytesSource(new Uint8Array(bytes), 'x')
    const ranges: number[][] = []
    const opened = await openSafetensors({
      ...source,
      read: (begin, end) => (ranges.push([begin, end]), source.read(begin, end)),
    })
    const dataStart = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))
    expect(ranges).toEqual([
      [0, 8],
      [0, dataStart],
    ])
    expect({ ...opened.metadata }).toEqual({ epoch: '3' })
    expect([...opened.tensors].map(([name, { shape, storedType }]) => [name, shape, storedType])).toEqual([
      ['bn1.num_batches_tracked', [], 'int64'],
      ['conv1.weight', [2, 1, 1, 2], 'float32'],
      ['empty', [0, 3], 'float32'],
      ['index', [2], 'int32'],
      ['codes', [1, 5], 'uint8'],
      ['mask', [3], 'bool'],
    ])
    for (const [name, tensor] of opened.tensors) expect(await tensor.read()).toEqual(example.get(name))
    expect(ranges).toContainEqual([dataStart + 8, dataStart + 24]) // conv1.weight, and nothing else
  })
})
