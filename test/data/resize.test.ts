/**
 * Resizing and cropping: against bytes that torchvision 0.14 and Pillow 9.4 give, and against the formula in floating point.
 */
import { describe, expect, test } from 'vitest'
import { type DecodedImage, resizeAndCrop, type Size } from '../../src/data/index.js'
import { OptionError } from '../../src/device/errors.js'

/** Bytes without a pattern: (89 i) mod 256. */
function image(width: number, height: number, channels = 1): DecodedImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 89) % 256)
  return { height, width, channels, data }
}

/*
 * image = Image.fromarray(numpy.array([(i * 89) % 256 for i in range(w * h * c)], 'uint8').reshape(h, w, c))
 * center_crop(resize(image, size), crop), of torchvision.transforms.functional
 */
describe('the bytes of torchvision', () => {
  test.each<[what: string, input: DecodedImage, resize: number, crop: Size, expected: number[]]>([
    ['wide, smaller', image(7, 5), 3, [3, 4], [89, 104, 119, 98, 141, 146, 133, 146, 118, 148, 106, 121]],
    ['tall, smaller', image(5, 7), 3, [4, 3], [78, 116, 86, 133, 124, 149, 136, 155, 135, 131, 97, 138]],
    [
      'larger',
      image(3, 2),
      5,
      [5, 7],
      [
        ...[0, 13, 51, 89, 127, 165, 178, 1, 14, 52, 90, 128, 166, 179, 6, 19, 57, 95],
        ...[133, 171, 184, 10, 23, 61, 99, 137, 175, 188, 11, 24, 62, 100, 138, 176, 189],
      ],
    ],
    ['a square', image(9, 9), 2, 2, [127, 130, 131, 132]],
    ['a tenth', image(40, 30), 3, [3, 4], [128, 127, 128, 127, 127, 128, 127, 128, 127, 129, 126, 128]],
    ['in colour', image(4, 3, 3), 2, 2, [25, 114, 203, 42, 131, 220, 80, 169, 98, 97, 186, 115]],
    ['an odd row too many', image(9, 6), 4, [3, 4], [142, 71, 153, 82, 173, 115, 184, 126, 110, 140, 121, 151]],
    ['an odd column too many', image(9, 6), 4, [2, 3], [115, 184, 126, 140, 121, 151]],
    ['1.5 rounds to 2', image(5, 5), 5, 2, [44, 133, 233, 66]],
    ['2.5 rounds to 2', image(7, 7), 7, 2, [144, 233, 255, 88]],
    ['0.5 rounds to 0', image(5, 5), 5, 4, [0, 89, 178, 11, 189, 22, 111, 200, 122, 211, 44, 133, 55, 144, 233, 66]],
    [
      'smaller than the crop: black around it',
      image(2, 3),
      2,
      [4, 5],
      [0, 0, 89, 0, 0, 0, 178, 11, 0, 0, 0, 100, 189, 0, 0, 0, 0, 0, 0, 0],
    ],
    ['narrower and taller than the crop', image(2, 3), 2, [6, 1], [0, 0, 178, 100, 0, 0]],
    ['wider and lower than the crop', image(4, 2), 2, 3, [0, 89, 178, 100, 189, 22, 0, 0, 0]],
  ])('%s', (_what, input, resize, crop, expected) => {
    const [height, width] = typeof crop === 'number' ? [crop, crop] : crop
    const { data, ...shape } = resizeAndCrop(input, { resize, crop })
    expect(shape).toEqual({ height, width, channels: input.channels })
    expect([...data]).toEqual(expected)
  })
})

/** One pixel of the whole resized image: the triangle filter over all input pixels, without rounding in between. */
function filtered(input: DecodedImage, [height, width]: [number, number], y: number, x: number): number {
  const weights = (inputSize: number, outputSize: number, position: number) => {
    const scale = inputSize / outputSize
    const center = (position + 0.5) * scale
    const values = Array.from({ length: inputSize }, (_, i) =>
      Math.max(0, 1 - Math.abs(i + 0.5 - center) / Math.max(1, scale)),
    )
    const sum = values.reduce((a, b) => a + b)
    return values.map((value) => value / sum)
  }
  const rows = weights(input.height, height, y)
  const columns = weights(input.width, width, x)
  let result = 0
  rows.forEach((row, i) => {
    if (row > 0) columns.forEach((column, j) => (result += row * column * input.data[i * input.width + j]!))
  })
  return result
}

describe('the formula in floating point', () => {
  test.each([
    { size: [1, 1], resize: 4, resized: [4, 4], crop: [4, 4] },
    { size: [1, 2], resize: 3, resized: [3, 6], crop: [3, 4] },
    { size: [2, 1], resize: 3, resized: [6, 3], crop: [4, 3] },
    { size: [13, 40], resize: 7, resized: [7, 21], crop: [5, 8] },
    { size: [40, 13], resize: 7, resized: [21, 7], crop: [8, 5] },
    { size: [33, 32], resize: 31, resized: [31, 31], crop: [31, 31] }, // 31.97 is cut off to 31
    { size: [32, 65], resize: 16, resized: [16, 32], crop: [16, 32] }, // 32.5 too
    { size: [100, 101], resize: 8, resized: [8, 8], crop: [3, 4] },
    { size: [20, 30], resize: 40, resized: [40, 60], crop: [20, 20] },
    { size: [3, 500], resize: 3, resized: [3, 500], crop: [3, 10] },
  ] as const)('$size to $resize, then $crop', ({ size, resize, resized, crop }) => {
    const input = image(size[1], size[0])
    const { data } = resizeAndCrop(input, { resize, crop })
    const top = Math.floor((resized[0] - crop[0]) / 2) // halves are rounded to even numbers below them here
    const left = Math.floor((resized[1] - crop[1]) / 2)
    for (let y = 0; y < crop[0]; y++) {
      for (let x = 0; x < crop[1]; x++) {
        const expected = filtered(input, [...resized], top + y, left + x)
        // both passes round to bytes: half a byte of the first, averaged by the second, and half a byte more
        expect(Math.abs(data[y * crop[1] + x]! - expected), `pixel ${y}, ${x}`).toBeLessThan(1.001)
      }
    }
  })

  test('an image of the right size passes unchanged', () => {
    const input = image(28, 28)
    expect(resizeAndCrop(input, { resize: 28, crop: 28 })).toEqual(input)
    const wide = image(31, 28, 3)
    expect(resizeAndCrop(wide, { resize: 28, crop: [28, 31] })).toEqual(wide)
  })

  test.each([1, 3])('white stays white, however many pixels are averaged', (channels) => {
    const white = { height: 2, width: 100_000, channels, data: new Uint8Array(200_000 * channels).fill(255) }
    const { data } = resizeAndCrop(white, { resize: 1, crop: [1, 5] })
    expect([...data]).toEqual(Array<number>(5 * channels).fill(255))
    const tall = { ...white, height: 100_000, width: 2 }
    expect([...resizeAndCrop(tall, { resize: 1, crop: [5, 1] }).data]).toEqual(Array<number>(5 * channels).fill(255))
  })

  test('only the crop is computed of an image that would become very large', () => {
    const line = image(16_000, 1) // as a whole 256 x 4,096,000
    const { data } = resizeAndCrop(line, { resize: 256, crop: 224 })
    expect(data).toHaveLength(224 * 224)
    expect(data[0]).toBe(Math.round(filtered(line, [256, 4_096_000], 16, 4_096_000 / 2 - 112)))
  })
})

test.each([
  ['resize', { resize: 0, crop: 1 }],
  ['resize', { resize: 1.5, crop: 1 }],
  ['resize', { resize: NaN, crop: 1 }],
  ['crop', { resize: 1, crop: -1 }],
  ['crop', { resize: 1, crop: [1, 0] as const }],
  ['crop', { resize: 1, crop: [0.5, 1] as const }],
])('refuses a %s that is no size: %o', (option, geometry) => {
  const action = () => resizeAndCrop(image(2, 2), geometry)
  expect(action).toThrow(OptionError)
  expect(action).toThrow(new RegExp(`^${option}: expected a positive integer, got`))
})
