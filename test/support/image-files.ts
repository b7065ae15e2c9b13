/** Image files whose pixels the tests know. */
import sharp, { type Sharp } from 'sharp'

export const size = { width: 60, height: 40 }
const { width, height } = size

/** RGB without a pattern. */
export const noise = Uint8Array.from(
  { length: width * height * 3 },
  (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) & 255,
)

/** RGB that changes slowly, which lossy formats keep. */
export const gradient = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const [x, y, channel] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3]
  return [4 * x, 6 * y, 2 * (x + y)][channel]!
})

/** RGB, or with another number of channels what goes with it, for sharp to encode. */
export function picture(pixels: Uint8Array | Uint16Array = noise, channels: 1 | 2 | 3 | 4 = 3): Sharp {
  return sharp(pixels, { raw: { width, height, channels } })
}

export interface TiffOptions {
  width: number
  height: number
  /** 2 for RGB, 5 for CMYK. */
  photometric: number
  samples: number
  bits: number
  /** 1 for unsigned integers, 3 for floating point. */
  sampleFormat: number
  data: Uint8Array
}

/** A little-endian TIFF file (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf) of one strip, not compressed. */
export function tiff({ width, height, photometric, samples, bits, sampleFormat, data }: TiffOptions): Uint8Array {
  const [short, long] = [3, 4]
  const begin = 8
  const perSample = begin + data.length // where the values of the tags that have one for each sample are
  const directory = perSample + 4 * samples
  const tags: [tag: number, type: number, count: number, value: number][] = [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, samples, perSample],
    [259, short, 1, 1], // no compression
    [262, short, 1, photometric],
    [273, long, 1, begin],
    [277, short, 1, samples],
    [278, long, 1, height],
    [279, long, 1, data.length],
    [339, short, samples, perSample + 2 * samples],
  ]
  const bytes = new Uint8Array(directory + 2 + 12 * tags.length + 4)
  const view = new DataView(bytes.buffer)
  bytes.set([0x49, 0x49, 42, 0])
  view.setUint32(4, directory, true)
  bytes.set(data, begin)
  for (let i = 0; i < samples; i++) {
    view.setUint16(perSample + 2 * i, bits, true)
    view.setUint16(perSample + 2 * (samples + i), sampleFormat, true)
  }
  view.setUint16(directory, tags.length, true)
  tags.forEach(([tag, type, count, value], i) => {
    const entry = directory + 2 + 12 * i
    view.setUint16(entry, tag, true)
    view.setUint16(entry + 2, type, true)
    view.setUint32(entry + 4, count, true)
    view.setUint32(entry + 8, value, true)
  })
  return bytes
}
