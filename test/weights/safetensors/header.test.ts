import { describe, expect, it } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { encodeSafetensors, parseSafetensors } from '../../../src/weights/index.js'
import { rawSafetensors } from './raw.js'

function failure(bytes: Uint8Array): WeightsError {
  try {
    parseSafetensors(bytes, 'net.safetensors')
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsError)
    expect((error as WeightsError).file).toBe('net.safetensors')
    return error as WeightsError
  }
  throw new Error('the file was accepted')
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] })

describe('a damaged safetensors file', () => {
  const whole = encodeSafetensors(
    new Map([
      ['a', { shape: [2], dtype: 'float32', data: new Float32Array([1, 2]) }],
      ['b', { shape: [3], dtype: 'float32', data: new Float32Array([3, 4, 5]) }],
    ]),
    { epoch: '1' },
  )

  it('is refused when truncated after any byte', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(failure(whole.slice(0, length)).message).toMatch(/empty|of \d+ bytes|truncated/)
    }
  })

  it('is refused with a byte too many', () => {
    expect(failure(Uint8Array.of(...whole, 0)).detail.found).toBe('1 bytes more, which belong to no tensor')
  })

  it.each([
    ['longer than the file', 1000n, /a header of 1000 bytes, found 2 bytes after/],
    ['of zero', 0n, /a header length of 0 bytes/],
    ['beyond the limit', 100_000_001n, /2 to 100000000 bytes, found a header length of 100000001 bytes/],
    ['of 2^64 - 1', 0xffff_ffff_ffff_ffffn, /18446744073709551615/],
  ])('is refused with a header length %s', (_, length, message) => {
    expect(failure(rawSafetensors('{}', undefined, length)).message).toMatch(message)
  })

  it.each([
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['a byte order mark', '\ufeff{}'],
    ['leading space', ' {}'],
    ['a list', '[]'],
    ['a number', '12'],
    ['cut off JSON', '{"a":'],
    ['text behind the JSON', '{}x'],
    ['zeros behind the JSON', '{}\0\0'],
    ['deep nesting', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ])('is refused with a header of %s', (_, header) => {
    failure(rawSafetensors(header))
  })
})

describe('a lying safetensors header', () => {
  const four = new Uint8Array(4)
  it.each([
    ['an unknown dtype', { t: { dtype: 'F33', shape: [1], data_offsets: [0, 4] } }, /dtype of F64, .*, found "F33"/],
    ['an inherited dtype', { t: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, /found "toString"/],
    ['no dtype', { t: { shape: [1], data_offsets: [0, 4] } }, /dtype .* found nothing/],
    ['a dtype that is no string', { t: { dtype: ['F32'], shape: [1], data_offsets: [0, 4] } }, /found \["F32"\]/],
    ['no object for a tensor', { t: 5 }, /an object with dtype, shape and data_offsets, found 5/],
    ['null for a tensor', { t: null }, /found null/],
    ['no shape', { t: { dtype: 'F32', data_offsets: [0, 4] } }, /shape of integers, none negative, found nothing/],
    ['a broken size', { t: f32([1.5], 0, 4) }, /found \[1\.5\]/],
    ['a negative size', { t: f32([-1, -1], 0, 4) }, /found \[-1, -1\]/],
    ['a size in text', { t: f32(['1'], 0, 4) }, /found \["1"\]/],
    ['a size beyond the exact integers', { t: f32([2 ** 53], 0, 4) }, /found \[9007199254740992\]/],
    ['a shape that overflows', { t: f32([2 ** 31, 2 ** 31, 2 ** 31], 0, 4) }, /below 2\^53/],
    ['a shape that overflows before a zero', { t: f32([2 ** 40, 2 ** 40, 0], 0, 0) }, /below 2\^53/],
    [
      'offsets that are no list',
      { t: { dtype: 'F32', shape: [1], data_offsets: 4 } },
      /data_offsets of two .* found 4/,
    ],
    ['three offsets', { t: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, /found \[0, 4, 8\]/],
    ['a negative offset', { t: f32([1], -4, 0) }, /found \[-4, 0\]/],
    ['a broken offset', { t: f32([1], 0.5, 4.5) }, /found \[0\.5, 4\.5\]/],
    ['offsets in the wrong order', { t: f32([1], 4, 0) }, /begin is not after their end, found \[4, 0\]/],
    ['a size that is not the shape', { t: f32([2], 0, 4) }, /8 bytes for F32 \[2\], found data_offsets of 4 bytes/],
    ['an end behind the file', { t: f32([2], 0, 8) }, /found a file of \d+ bytes; it is truncated/],
    ['an end far behind the file', { t: f32([2 ** 50], 0, 2 ** 52) }, /it is truncated/],
    ['an object for a shape', { t: f32({ length: 0 }, 0, 4) }, /found an object/],
    ['a long wrong shape', { t: f32(Array(1000).fill(-1), 0, 4) }, /found a list of 1000 items/],
    ['a nested shape', { t: f32([[1]], 0, 4) }, /found a list of 1 items/],
  ])('with %s is refused by the name of its tensor', (_, header, message) => {
    const error = failure(rawSafetensors(header, four))
    expect(error.detail.tensor).toBe('t')
    expect(error.message).toMatch(message)
  })

  it('with overlapping data is refused', () => {
    const error = failure(rawSafetensors({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, new Uint8Array(12)))
    expect(error.detail.tensor).toBe('b')
    expect(error.message).toMatch(/overlap those of "a"/)
    failure(rawSafetensors({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, four)) // also where two names share all of it
    failure(rawSafetensors({ a: f32([2], 0, 8), b: f32([0], 4, 4) }, new Uint8Array(8))) // and where one is empty
  })

  it('with a hole is refused', () => {
    const between = failure(rawSafetensors({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, new Uint8Array(12)))
    expect(between.message).toMatch(/tensor "b": .* a hole of 4 bytes/)
    expect(failure(rawSafetensors({ a: f32([1], 4, 8) }, new Uint8Array(8))).message).toMatch(/a hole of 4 bytes/)
  })

  it('accepts an empty tensor at the border of others', () => {
    const header = { a: f32([1], 0, 4), empty: f32([0, 2 ** 20], 4, 4), b: f32([1], 4, 8) }
    expect([...parseSafetensors(rawSafetensors(header, new Uint8Array(8)), 'x').stateDict.keys()]).toEqual([
      'a',
      'empty',
      'b',
    ])
  })

  it.each([
    ['a tensor', '{"a":1,"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 'a'],
    ['a tensor in another spelling', '{"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\\u0062":{}}', 'b'],
    ['a field', '{"a":{"dtype":"I32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', undefined],
    ['metadata', '{"__metadata__":{"x":"1","x":"2"}}', undefined],
    ['the metadata object', '{"__metadata__":{},"__metadata__":{}}', undefined],
  ])('with %s twice is refused', (_, header, tensor) => {
    const error = failure(rawSafetensors(header, four))
    expect(error.detail.tensor).toBe(tensor)
    expect(error.message).toMatch(/twice/)
  })

  it('does not take equal strings in other places for duplicates', () => {
    const header =
      '{"__metadata__":{"a":"a","b":"a","t":"{\\"t\\":1,\\\\"},"t":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}}'
    expect(parseSafetensors(rawSafetensors(header, four), 'x').stateDict.size).toBe(1)
  })

  it.each([['"text"'], ['[]'], ['{"a":1}'], ['{"a":null}'], ['{"a":{"b":"c"}}']])(
    'with metadata %s is refused',
    (text) => {
      expect(failure(rawSafetensors(`{"__metadata__":${text}}`)).message).toMatch(
        /"__metadata__" to be an object of strings/,
      )
    },
  )
})
