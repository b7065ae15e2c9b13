/**
 * The geometry of torchvision's `Resize` and `CenterCrop` for images that PIL holds, to the byte: what networks were trained
 * on ImageNet with. sharp (libvips) resizes otherwise: for the 7 photos of the tests it is off by at most 3 of 255, 0.2 on
 * average, but by 6 and 0.7 where a photo of 12 megapixels is reduced (libvips averages blocks first), and by half a
 * pixel where an image is enlarged. So sharp decodes (see images.ts), and the arithmetic of the resizing is here.
 */
import { positiveInteger } from '../nn/options.js'

/** An image in memory. */
export interface DecodedImage {
  readonly height: number
  readonly width: number
  readonly channels: number
  /** [H, W, C], each 0..255. */
  readonly data: Uint8Array
}

/** Both sides, or one number for a square. */
export type Size = number | readonly [height: number, width: number]

export interface Geometry {
  /** The shorter side after resizing. */
  readonly resize: number
  /** What is cut from the middle afterwards; where the resized image is smaller, black is added around it. */
  readonly crop: Size
}

/** Weights are 22-bit fixed-point numbers, and sums are rounded to bytes after each of the two passes, as PIL does. */
const precisionBits = 22

/** A part of an axis of the resized image. */
interface Span {
  readonly begin: number
  readonly length: number
}

/** Which input pixels, from `begin` on, make an output pixel, and how much of each. */
interface Taps {
  readonly begin: number
  readonly weights: Int32Array
}

/**
 * Resizes the shorter side to `resize`, the longer one in proportion, with the antialiased bilinear filter of PIL (a triangle
 * as wide as the reduction), and cuts `crop` out of the middle. Only what the crop shows is computed, so memory and time stay
 * bounded for images of any proportions.
 *
 * @throws OptionError where a size is no positive integer
 */
export function resizeAndCrop(image: DecodedImage, { resize, crop }: Geometry): DecodedImage {
  const [cropHeight, cropWidth] = typeof crop === 'number' ? [crop, crop] : crop
  positiveInteger('resize', resize)
  positiveInteger('crop', cropHeight)
  positiveInteger('crop', cropWidth)
  const [height, width] = resizedShape(image, resize)
  const rows = centeredSpan(height, cropHeight)
  const columns = centeredSpan(width, cropWidth)
  const resized = resample(image, tapsOf(image.height, height, rows), tapsOf(image.width, width, columns))
  return pad(resized, cropHeight, cropWidth)
}

/** The shorter side becomes `size`; torchvision cuts off the fraction of the longer one. */
function resizedShape({ height, width }: DecodedImage, size: number): [height: number, width: number] {
  return height < width ? [size, Math.trunc((size * width) / height)] : [Math.trunc((size * height) / width), size]
}

/** The middle `wanted` of `size` pixels, or all of them where there are fewer. */
function centeredSpan(size: number, wanted: number): Span {
  return size <= wanted ? { begin: 0, length: size } : { begin: roundHalfToEven((size - wanted) / 2), length: wanted }
}

/** Python's `round` of a number that is a multiple of a half. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  return value === floor ? floor : floor + (floor % 2)
}

/** The taps of each output pixel in a span of an axis that is resized from `inputSize` to `outputSize` pixels. */
function tapsOf(inputSize: number, outputSize: number, { begin: first, length }: Span): Taps[] {
  const scale = inputSize / outputSize
  const support = Math.max(scale, 1) // enlarging interpolates between two neighbours
  return Array.from({ length }, (_, i) => {
    const center = (first + i + 0.5) * scale
    const begin = Math.max(0, Math.trunc(center - support + 0.5))
    const end = Math.min(inputSize, Math.trunc(center + support + 0.5))
    const triangle = Array.from({ length: end - begin }, (_, tap) =>
      Math.max(0, 1 - Math.abs((tap + begin - center + 0.5) * (1 / support))),
    )
    const sum = triangle.reduce((total, weight) => total + weight, 0)
    const weights = Int32Array.from(triangle, (weight) => Math.trunc(0.5 + (weight / sum) * 2 ** precisionBits))
    return { begin, weights }
  })
}

/** Each output pixel from its taps: along the rows first, then along the columns. */
function resample(image: DecodedImage, rows: readonly Taps[], columns: readonly Taps[]): DecodedImage {
  const { channels } = image
  const firstRow = rows[0]!.begin
  const endRow = Math.max(...rows.map(({ begin, weights }) => begin + weights.length))
  const stride = columns.length * channels
  const narrowed = new Uint8Array((endRow - firstRow) * stride)
  for (let row = firstRow; row < endRow; row++) {
    const input = image.data.subarray(row * image.width * channels, (row + 1) * image.width * channels)
    const output = narrowed.subarray((row - firstRow) * stride, (row - firstRow + 1) * stride)
    resampleRow(input, output, columns, channels)
  }
  const data = new Uint8Array(rows.length * stride)
  const sums = new Int32Array(stride)
  rows.forEach(({ begin, weights }, row) => {
    sumRows(narrowed.subarray((begin - firstRow) * stride), weights, sums)
    for (let i = 0; i < stride; i++) data[row * stride + i] = toByte(sums[i]!)
  })
  return { height: rows.length, width: columns.length, channels, data }
}

function resampleRow(input: Uint8Array, output: Uint8Array, columns: readonly Taps[], channels: number): void {
  let position = 0
  for (const { begin, weights } of columns) {
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0
      for (let tap = 0; tap < weights.length; tap++) sum += input[(begin + tap) * channels + channel]! * weights[tap]!
      output[position++] = toByte(sum)
    }
  }
}

/** The weighted sum of the first rows of `rows`, each as long as `sums`. */
function sumRows(rows: Uint8Array, weights: Int32Array, sums: Int32Array): void {
  sums.fill(0)
  const stride = sums.length
  for (let tap = 0; tap < weights.length; tap++) {
    const weight = weights[tap]!
    const offset = tap * stride
    for (let i = 0; i < stride; i++) sums[i]! += rows[offset + i]! * weight
  }
}

/** Rounds a fixed-point sum, which is no larger than 255: no weight is negative, and together they are 1. */
function toByte(sum: number): number {
  return (sum + 2 ** (precisionBits - 1)) >> precisionBits
}

/** Puts an image into the middle of a black one, if it is smaller; an odd difference is larger after it. */
function pad(image: DecodedImage, height: number, width: number): DecodedImage {
  if (image.height === height && image.width === width) return image
  const { channels } = image
  const data = new Uint8Array(height * width * channels)
  const top = Math.floor((height - image.height) / 2)
  const left = Math.floor((width - image.width) / 2)
  for (let row = 0; row < image.height; row++) {
    const pixels = image.data.subarray(row * image.width * channels, (row + 1) * image.width * channels)
    data.set(pixels, ((top + row) * width + left) * channels)
  }
  return { height, width, channels, data }
}
