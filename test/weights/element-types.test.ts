import { describe, expect, it } from 'vitest'
import { decode, decodedTypes, elementSizes, type ElementType } from '../../src/weights/element-types.js'

/**
 * Values as the standards write them down, not as bits are cut: from the bits of sign, exponent and fraction as text.
 *
 * @param bias what is taken off the exponent
 * @param special the value of an exponent of ones, by the fraction's bits; undefined where it is an ordinary one
 */
function valueOf(
  bits: string,
  exponentBits: number,
  bias: number,
  special: (fraction: string) => number | undefined,
): number {
  const sign = bits.startsWith('1') ? -1 : 1
  const exponent = bits.slice(1, 1 + exponentBits)
  const fraction = bits.slice(1 + exponentBits)
  const last = exponent.includes('0') ? undefined : special(fraction)
  if (last !== undefined) return sign * last
  let significand = exponent.includes('1') ? 1 : 0
  for (const [i, bit] of Array.from(fraction).entries()) if (bit === '1') significand += 1 / 2 ** (i + 1)
  return sign * significand * 2 ** (Math.max(1, parseInt(exponent, 2)) - bias)
}

const ieee = (fraction: string): number => (fraction.includes('1') ? NaN : Infinity)

const smallFloats: { type: ElementType; value: (bits: string) => number }[] = [
  // the "fn" form has one NaN of each sign and no infinity: exponents of ones are numbers otherwise, up to 448
  {
    type: 'float8_e4m3fn',
    value: (bits) => valueOf(bits, 4, 7, (fraction) => (fraction === '111' ? NaN : undefined)),
  },
  { type: 'float8_e5m2', value: (bits) => valueOf(bits, 5, 15, ieee) },
  { type: 'float16', value: (bits) => valueOf(bits, 5, 15, ieee) },
  { type: 'bfloat16', value: (bits) => valueOf(bits, 8, 127, ieee) },
]

describe.each(smallFloats)('$type', ({ type, value }) => {
  const bitsPerElement = 8 * elementSizes[type]
  const count = 2 ** bitsPerElement
  const all =
    bitsPerElement === 8
      ? Uint8Array.from({ length: count }, (_, i) => i)
      : Uint16Array.from({ length: count }, (_, i) => i)

  it('has the value of every pattern of bits, and the sign of zero', () => {
    const { data, dtype } = decode(new Uint8Array(all.buffer), type, [count])
    expect(dtype).toBe('float32')
    const expected = Float32Array.from(all, (bits) => value(bits.toString(2).padStart(bitsPerElement, '0')))
    const differing = Array.from(all).filter((i) => !Object.is(data[i], expected[i]))
    expect(differing).toEqual([])
  })
})

const decodeOne = (type: ElementType, ...bytes: number[]) => decode(Uint8Array.from(bytes), type, [1]).data[0]

describe('decode', () => {
  // from the tables of https://arxiv.org/abs/2209.05433 and of the standards
  it.each<[ElementType, number, number]>([
    ['float8_e4m3fn', 0b0_1111_110, 448],
    ['float8_e4m3fn', 0b0_1111_111, NaN],
    ['float8_e4m3fn', 0b1_1111_111, NaN],
    ['float8_e4m3fn', 0b0_1111_000, 256],
    ['float8_e4m3fn', 0b0_0001_000, 2 ** -6],
    ['float8_e4m3fn', 0b0_0000_111, 0.875 * 2 ** -6],
    ['float8_e4m3fn', 0b1_0000_001, -(2 ** -9)],
    ['float8_e5m2', 0b0_11110_11, 57344],
    ['float8_e5m2', 0b0_11111_00, Infinity],
    ['float8_e5m2', 0b1_11111_00, -Infinity],
    ['float8_e5m2', 0b0_11111_01, NaN],
    ['float8_e5m2', 0b0_11111_11, NaN],
    ['float8_e5m2', 0b0_00001_00, 2 ** -14],
    ['float8_e5m2', 0b0_00000_01, 2 ** -16],
    ['float16', 0x7bff, 65504],
    ['float16', 0x7c00, Infinity],
    ['float16', 0x7c01, NaN],
    ['float16', 0x0400, 2 ** -14],
    ['float16', 0x8001, -(2 ** -24)],
    ['float16', 0x3555, 0.333251953125],
    ['bfloat16', 0x7f7f, 3.3895313892515355e38],
    ['bfloat16', 0x7f80, Infinity],
    ['bfloat16', 0x7f81, NaN],
    ['bfloat16', 0x0001, 2 ** -133],
    ['bfloat16', 0xc049, -3.140625],
  ])('%s of the bits %i is %f', (type, bits, expected) => {
    const bytes = elementSizes[type] === 1 ? [bits] : [bits & 0xff, bits >> 8]
    expect(decodeOne(type, ...bytes)).toBe(expected)
  })

  it.each(Object.keys(elementSizes) as ElementType[])('gives %s the type that is announced, and its shape', (type) => {
    const { dtype, shape, data } = decode(new Uint8Array(6 * elementSizes[type]), type, [2, 3])
    expect(dtype).toBe(decodedTypes[type])
    expect(shape).toEqual([2, 3])
    expect(Array.from(data, Number)).toEqual([0, 0, 0, 0, 0, 0])
    expect(decode(new Uint8Array(), type, [0]).data.length).toBe(0)
  })

  it.each<[ElementType, number[], number | bigint]>([
    ['float64', [0, 0, 0, 0, 0, 0, 0xf0, 0xbf], -1],
    ['float64', [0, 0, 0, 0, 0, 0, 0, 0x48], Infinity], // 2^129
    ['float32', [0, 0, 0x20, 0x40], 2.5],
    ['int64', [0xfe, 255, 255, 255, 255, 255, 255, 255], -2n],
    ['int32', [0xfe, 255, 255, 255], -2],
    ['int16', [0xfe, 255], -2],
    ['uint16', [0xfe, 255], 65534],
    ['int8', [0xfe], -2],
    ['uint8', [0xfe], 254],
    ['bool', [1], 1],
  ])('reads %s little-endian', (type, bytes, expected) => {
    expect(decodeOne(type, ...bytes)).toBe(expected)
  })

  it('shares memory with aligned bytes that keep their type, and copies others', () => {
    const bytes = new Uint8Array(12)
    expect(decode(bytes.subarray(4), 'float32', [2]).data.buffer).toBe(bytes.buffer)
    const unaligned = decode(Buffer.from(bytes.buffer, 1, 8), 'float32', [2]).data
    expect(unaligned.buffer).not.toBe(bytes.buffer)
    bytes.fill(0x40)
    expect(Array.from(unaligned, Number)).toEqual([0, 0])
  })
})
