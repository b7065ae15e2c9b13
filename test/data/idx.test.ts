import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataError } from '../../src/device/errors.js'
import { parseIdx } from '../../src/data/idx.js'
import { idxBytes } from './idx-bytes.js'

function failure(bytes: Uint8Array, dimensions: number): DataError {
  try {
    parseIdx(bytes, 'train-images', dimensions)
  } catch (error) {
    expect(error).toBeInstanceOf(DataError)
    expect((error as DataError).source).toBe('train-images')
    return error as DataError
  }
  throw new Error('the file was accepted')
}

describe('parseIdx', () => {
  const images = idxBytes([2, 1, 3], [1, 2, 3, 4, 5, 255])

  it('views the data and gives the shape', () => {
    const { shape, data } = parseIdx(images, 'x', 3)
    expect(shape).toEqual([2, 1, 3])
    expect([...data]).toEqual([1, 2, 3, 4, 5, 255])
    expect(data.buffer).toBe(images.buffer)
    expect(parseIdx(idxBytes([0], []), 'x', 1)).toEqual({ shape: [0], data: new Uint8Array() })
    const inside = Uint8Array.of(9, 9, 9, ...images).subarray(3)
    expect(parseIdx(inside, 'x', 3).shape).toEqual([2, 1, 3])
  })

  it('refuses a file truncated after any byte, or with bytes too many', () => {
    for (let length = 0; length < images.length; length++) {
      expect(failure(images.slice(0, length), 3).message).toMatch(/truncated|empty file/)
    }
    expect(failure(Uint8Array.of(...images, 0), 3).message).toMatch(
      /6 bytes of data .*\[2, 1, 3\], found 7; .*too long/,
    )
  })

  it.each([
    ['another first byte', [1, 0, 8, 3]],
    ['another second byte', [0, 1, 8, 3]],
    ['an unknown element type', [0, 0, 0x0a, 3]],
    ['gzip inside', [0x1f, 0x8b, 8, 0]],
  ])('refuses %s as a wrong magic number', (_, magic) => {
    const bytes = images.slice()
    bytes.set(magic)
    expect(failure(bytes, 3).message).toMatch(/magic number is 0x00000803, found the magic number 0x[0-9a-f]{8}$/)
  })

  it.each([0x09, 0x0b, 0x0c, 0x0d, 0x0e])('refuses element type %i, which is not unsigned bytes', (type) => {
    expect(failure(idxBytes([1, 1, 1], [0], type), 3).message).toMatch(
      /of unsigned bytes, found one of (signed|\d\d-bit)/,
    )
  })

  it('refuses labels for images and images for labels', () => {
    expect(failure(idxBytes([2], [1, 2]), 3).message).toMatch(/3 dimension\(s\), found one of 1 \(magic 0x00000801\)/)
    expect(failure(images, 1).message).toMatch(/1 dimension\(s\), found one of 3/)
  })

  it('refuses dimensions whose product is beyond all numbers', () => {
    failure(idxBytes([0xffffffff, 0xffffffff, 0xffffffff], [1]), 3)
    failure(idxBytes([0, 0xffffffff, 0xffffffff], [1]), 3)
    failure(idxBytes(Array<number>(255).fill(0xffffffff), [1]), 255)
    failure(idxBytes([...Array<number>(254).fill(0xffffffff), 0], [1]), 255)
  })

  it('survives 10,000 mutations: the data fits the shape or a DataError says why not', () => {
    const mutations = fc.array(fc.tuple(fc.nat(images.length - 1), fc.nat(255)), { maxLength: 4 })
    fc.assert(
      fc.property(mutations, fc.nat(images.length), fc.constantFrom(1, 2, 3), (changes, length, dimensions) => {
        const bytes = images.slice()
        for (const [at, byte] of changes) bytes[at] = byte
        try {
          const { shape, data } = parseIdx(bytes.subarray(0, length), 'fuzz', dimensions)
          expect(shape.reduce((product, size) => product * size, 1)).toBe(data.length)
        } catch (error) {
          if (!(error instanceof DataError)) throw error
        }
      }),
      { seed: 20261124, numRuns: 10_000 },
    )
  })
})
