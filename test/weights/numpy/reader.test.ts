import { describe, expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import type { NamedArray } from '../../../src/nn/state-dict.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { open, readOne, refusal, six } from './archives.js'
import { bytesOf, deflated, joined, npyText, rawNpy, rawZip, stored, text } from './raw.js'

/**
 * `numpy.savez(file, **{'fc/w': [[1.5, -2]], 'n': numpy.int64(7), 'f': numpy.asfortranarray([[1, 2, 3], [4, 5, 6]])})` with
 * float32, int64 and int16, and the same by `savez_compressed`; NumPy 1.24 wrote them.
 */
const savez =
  'UEsDBBQAAAAAAAAAIQD9z6UIiAAAAIgAAAAIABQAZmMvdy5ucHkBABAAiAAAAAAAAACIAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmNC' +
  'csICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgxLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg' +
  'ICAgICAgICAgICAgICAgICAgICAKAADAPwAAAMBQSwMEFAAAAAAAAAAhACO48GyIAAAAiAAAAAUAFABuLm5weQEAEACIAAAAAAAAAIgAAAAAAA' +
  'AAk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAg' +
  'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoHAAAAAAAAAFBLAwQUAAAAAAAAACEAnnEjoIwAAACMAAAABQ' +
  'AUAGYubnB5AQAQAIwAAAAAAAAAjAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8aTInLCAnZm9ydHJhbl9vcmRlcic6IFRydWUsICdzaGFw' +
  'ZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgCgEABAACAAUAAw' +
  'AGAFBLAQIUAxQAAAAAAAAAIQD9z6UIiAAAAIgAAAAIAAAAAAAAAAAAAACAAQAAAABmYy93Lm5weVBLAQIUAxQAAAAAAAAAIQAjuPBsiAAAAIgA' +
  'AAAFAAAAAAAAAAAAAACAAcIAAABuLm5weVBLAQIUAxQAAAAAAAAAIQCecSOgjAAAAIwAAAAFAAAAAAAAAAAAAACAAYEBAABmLm5weVBLBQYAAA' +
  'AAAwADAJwAAABEAgAAAAA='
const savezCompressed =
  'UEsDBBQAAAAIAAAAIQD9z6UITQAAAIgAAAAIABQAZmMvdy5ucHkBABAAiAAAAAAAAABNAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZq' +
  'Kuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CkaaOgq1CmQDLgaGA/YMQAIAUEsDBBQAAAAIAAAAIQAjuPBsRgAAAIgAAAAFABQA' +
  'bi5ucHkBABAAiAAAAAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5Gp' +
  'o6CrUKFAEudgYIAABQSwMEFAAAAAgAAAAhAJ5xI6BRAAAAjAAAAAUAFABmLm5weQEAEACMAAAAAAAAAFEAAAAAAAAAm+wX6hsQychQxlCtnpJa' +
  'nFykbqWgbpNppK6joJ6WX1RSlJgXn1+UkgoSDykqTQUKF2ckFqQCuRpGOgrGmjoKtQrkAy5GBhYGJgZWBmYGNgYAUEsBAhQDFAAAAAgAAAAhAP' +
  '3PpQhNAAAAiAAAAAgAAAAAAAAAAAAAAIABAAAAAGZjL3cubnB5UEsBAhQDFAAAAAgAAAAhACO48GxGAAAAiAAAAAUAAAAAAAAAAAAAAIABhwAA' +
  'AG4ubnB5UEsBAhQDFAAAAAgAAAAhAJ5xI6BRAAAAjAAAAAUAAAAAAAAAAAAAAIABBAEAAGYubnB5UEsFBgAAAAADAAMAnAAAAIwBAAAAAA=='

describe('openNpz', () => {
  it.each([
    ['savez', savez],
    ['savez_compressed', savezCompressed],
  ])('reads what numpy.%s wrote', async (_, base64) => {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
    const { file, format, tensors, metadata } = await openSource(bytesSource(bytes, 'net'))
    expect({ file, format, metadata: { ...metadata } }).toEqual({ file: 'net', format: 'numpy', metadata: {} })
    expect([...tensors.keys()]).toEqual(['fc/w', 'n', 'f'])
    expect([...tensors.values()].map(({ storedType }) => storedType)).toEqual(['float32', 'int64', 'int16'])
    const arrays = await Promise.all([...tensors.values()].map((tensor) => tensor.read()))
    expect(arrays).toEqual([
      { shape: [1, 2], dtype: 'float32', data: new Float32Array([1.5, -2]) },
      { shape: [], dtype: 'int64', data: new BigInt64Array([7n]) },
      { shape: [2, 3], dtype: 'int32', data: new Int32Array([1, 2, 3, 4, 5, 6]) },
    ])
  })

  it.each<[string, ArrayBufferView, NamedArray]>([
    ['<f8', new Float64Array([0.1]), { shape: [1], dtype: 'float32', data: new Float32Array([0.1]) }],
    ['<f4', new Float32Array([0.1]), { shape: [1], dtype: 'float32', data: new Float32Array([0.1]) }],
    ['<f2', new Uint16Array([0xc100]), { shape: [1], dtype: 'float32', data: new Float32Array([-2.5]) }],
    ['<i8', new BigInt64Array([-(2n ** 60n)]), { shape: [1], dtype: 'int64', data: new BigInt64Array([-(2n ** 60n)]) }],
    ['<i4', new Int32Array([-(2 ** 31)]), { shape: [1], dtype: 'int32', data: new Int32Array([-(2 ** 31)]) }],
    ['<i2', new Int16Array([-(2 ** 15)]), { shape: [1], dtype: 'int32', data: new Int32Array([-(2 ** 15)]) }],
    ['<u2', new Uint16Array([65535]), { shape: [1], dtype: 'int32', data: new Int32Array([65535]) }],
    ['|i1', new Int8Array([-128]), { shape: [1], dtype: 'int32', data: new Int32Array([-128]) }],
    ['|u1', new Uint8Array([255]), { shape: [1], dtype: 'uint8', data: new Uint8Array([255]) }],
    ['<u1', new Uint8Array([255]), { shape: [1], dtype: 'uint8', data: new Uint8Array([255]) }],
    ['|b1', new Uint8Array([1]), { shape: [1], dtype: 'bool', data: new Uint8Array([1]) }],
  ])('reads %s, and its big-endian form', async (descr, data, expected) => {
    const little = bytesOf(data)
    expect(await readOne(rawNpy(npyText(`'${descr}'`, '(1,)'), little))).toEqual(expected)
    const big = rawNpy(npyText(`'>${descr.slice(1)}'`, '(1,)'), little.toReversed())
    expect(await readOne(big)).toEqual(expected)
  })

  it.each<[string, number[], number]>([
    ['()', [], 1],
    ['(5,)', [5], 5],
    ['(2, 3)', [2, 3], 6],
    ['(2,3)', [2, 3], 6],
    ['( 2 , 3 , )', [2, 3], 6],
    ['(2L, 3L)', [2, 3], 6],
    ['(1, 1, 1, 1, 1, 1)', [1, 1, 1, 1, 1, 1], 1],
    ['(0,)', [0], 0],
    ['(4, 0, 2)', [4, 0, 2], 0],
  ])('reads the shape %s', async (tuple, shape, count) => {
    for (const order of ['False', 'True']) {
      const npy = rawNpy(npyText("'|u1'", tuple, order), new Uint8Array(count))
      expect(await readOne(npy)).toEqual({ shape, dtype: 'uint8', data: new Uint8Array(count) })
    }
  })

  it('brings Fortran order into row-major order, also of big-endian elements', async () => {
    // the column-major form of [[1, 3, 5], [2, 4, 6]]
    const expected = { shape: [2, 3], dtype: 'int32', data: new Int32Array([1, 3, 5, 2, 4, 6]) }
    expect(await readOne(rawNpy(npyText("'<i2'", '(2, 3)', 'True'), six))).toEqual(expected)
    const swapped = bytesOf(new Int16Array([0x100, 0x200, 0x300, 0x400, 0x500, 0x600]))
    expect(await readOne(rawNpy(npyText("'>i2'", '(2, 3)', 'True'), swapped))).toEqual(expected)
  })

  it('brings an array of four dimensions into row-major order', async () => {
    const shape = [2, 3, 4, 5]
    const at = ([a, b, c, d]: number[]) => 1000 * a! + 100 * b! + 10 * c! + d!
    const rowMajor: number[] = []
    const columnMajor: number[] = []
    for (let a = 0; a < 2; a++)
      for (let b = 0; b < 3; b++)
        for (let c = 0; c < 4; c++)
          for (let d = 0; d < 5; d++) {
            rowMajor.push(at([a, b, c, d]))
            columnMajor[a + 2 * (b + 3 * (c + 4 * d))] = at([a, b, c, d])
          }
    const npy = rawNpy(npyText("'<f4'", `(${shape.join(', ')})`, 'True'), bytesOf(new Float32Array(columnMajor)))
    expect(await readOne(npy)).toEqual({ shape, dtype: 'float32', data: new Float32Array(rowMajor) })
  })

  it.each([
    ['1.0', { version: [1, 0] as const }],
    ['2.0', { version: [2, 0] as const }],
    ['3.0', { version: [3, 0] as const }],
  ])('reads version %s', async (_, options) => {
    const npy = rawNpy(npyText("'<i2'", '(6,)'), six, options)
    expect(await readOne(npy)).toEqual({ shape: [6], dtype: 'int32', data: new Int32Array([1, 2, 3, 4, 5, 6]) })
  })

  it.each([
    ['in another order', "{'shape': (6,), 'fortran_order': False, 'descr': '<i2'}"],
    ['without spaces', "{'descr':'<i2','fortran_order':False,'shape':(6,)}"],
    ['padded by hundreds of spaces', npyText("'<i2'", '(6,)').padEnd(500)],
    ['padded to the limit', npyText("'<i2'", '(6,)').padEnd(65535)],
  ])('reads a header %s', async (_, header) => {
    expect((await readOne(rawNpy(header, six))).data).toEqual(new Int32Array([1, 2, 3, 4, 5, 6]))
  })

  it('takes names as they are', async () => {
    const names = ['a/b/c', '', 'x.npy', '__proto__', 'layer 1', 'größe', '"quoted"', 'a.b.c']
    const npy = rawNpy(npyText("'|u1'", '()'), Uint8Array.of(9))
    const { tensors } = await open(names.map((name) => stored(`${name}.npy`, npy)))
    expect([...tensors.keys()]).toEqual(names)
    expect((await tensors.get('__proto__')!.read()).data).toEqual(Uint8Array.of(9))
  })

  it('is known by its first name, whatever else is in it', async () => {
    const pickle = stored('archive/data.pkl', text('(a name that is no name: weights.npy)'))
    await expect(open([pickle])).rejects.toThrow(WeightsError)
    const error = (await open([pickle]).catch((reason: unknown) => reason)) as WeightsError
    expect(error.message).not.toMatch(/arrays/)
    const long = stored(`${'n'.repeat(5000)}.npy`, rawNpy(npyText("'|u1'", '()'), Uint8Array.of(9)))
    expect((await open([long])).format).toBe('numpy')
  })
})

describe('a damaged .npz', () => {
  const npy = rawNpy(npyText("'<i2'", '(2, 3)'), six)

  it('is refused when truncated after any byte', async () => {
    for (const kind of [stored, deflated]) {
      const whole = rawZip([kind('a.npy', npy), kind('b.npy', npy)])
      for (let length = 0; length < whole.length; length++) {
        await expect(openSource(bytesSource(whole.slice(0, length), 'net.npz'))).rejects.toThrow(WeightsError)
      }
    }
  })

  it('is refused when one of its arrays is truncated after any byte', async () => {
    for (let length = 0; length < npy.length; length++) {
      expect(await refusal(npy.slice(0, length))).toMatch(
        /found (something else|\d+|\d+ bytes in all|\d+ behind the header)$/,
      )
    }
  })

  it('is refused with bytes behind an array', async () => {
    expect(await refusal(joined([npy, Uint8Array.of(0)]))).toBe(
      'net.npz: tensor "t": expected 12 bytes for int16 [2, 3], found 13 behind the header',
    )
  })

  it('is refused when it is read, where the data is damaged', async () => {
    for (const kind of [stored, deflated]) {
      const entry = kind('t.npy', npy)
      const damaged = { ...kind('t.npy', npy.with(npy.length - 1, 1)), crc: entry.crc ?? 0x1234 }
      const { tensors } = await open([damaged])
      await expect(tensors.get('t')!.read()).rejects.toThrow(/with the CRC-32 [0-9a-f]{8}, found [0-9a-f]{8}/)
    }
  })

  it('is refused with other files', async () => {
    const entries = [stored('a.npy', npy), stored('README.txt', text('about them'))]
    await expect(open(entries)).rejects.toThrow(/arrays, whose names end in .npy, found "README.txt"/)
  })

  it.each([
    [
      'longer than the entry',
      rawNpy('{}', undefined, { length: 1000 }),
      /a header of 1010 bytes, found 12 bytes in all/,
    ],
    [
      'beyond the limit',
      rawNpy('{}', undefined, { version: [2, 0], length: 65536 }),
      /at most 65535 .* 65536 announced/,
    ],
    ['of 4 GiB', rawNpy('{}', undefined, { version: [3, 0], length: 2 ** 32 - 1 }), /found 4294967295 announced/],
    ['of nothing', rawNpy('', new Uint8Array(4)), /a header such as .*, found ""/],
  ])('is refused with a header length %s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message)
  })

  it.each<[string, readonly [number, number], string]>([
    ['0.0', [0, 0], '0.0'],
    ['4.0', [4, 0], '4.0'],
    ['1.1', [1, 1], '1.1'],
    ['255.255', [255, 255], '255.255'],
  ])('is refused with version %s', async (_, version, found) => {
    const message = `net.npz: tensor "t": expected version 1.0, 2.0 or 3.0 of NPY, found ${found}`
    expect(await refusal(rawNpy(npyText("'<i2'", '(6,)'), six, { version }))).toBe(message)
  })
})
