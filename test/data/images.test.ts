/** Decoding of image files: what each kind of pixel becomes, and what is refused. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import sharp, { type Sharp } from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { decodeImage, readImage, readImages, resizeAndCrop } from '../../src/data/index.js'
import { DataError, DaybreakError, OptionError } from '../../src/device/errors.js'
import { gradient, noise, picture, size, tiff } from '../support/image-files.js'

const { width, height } = size
const pixels = width * height

/** PIL's `convert('L')`: L = (R * 19595 + G * 38470 + B * 7471 + 0x8000) >> 16. */
const luma = (rgb: Uint8Array) =>
  Uint8Array.from({ length: rgb.length / 3 }, (_, i) => {
    const [red, green, blue] = rgb.subarray(3 * i)
    return Math.floor((red! * 19595 + green! * 38470 + blue! * 7471 + 32768) / 65536)
  })

/** Each value as often as it is needed for RGB. */
const repeated = (grey: ArrayLike<number>) =>
  Uint8Array.from({ length: 3 * grey.length }, (_, i) => grey[Math.floor(i / 3)]!)

/** The pixels' colours with an alpha that differs from pixel to pixel. */
const withAlpha = (values: Uint8Array, channels: number) =>
  Uint8Array.from({ length: (values.length / channels) * (channels + 1) }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / (channels + 1)), i % (channels + 1)]
    return channel === channels ? pixel % 256 : values[pixel * channels + channel]!
  })

async function expectImage(bytes: Uint8Array, expected: Uint8Array, tolerance = 0): Promise<void> {
  const image = await decodeImage(bytes, 'picture')
  expect(image).toMatchObject({ width, height, channels: 3 })
  expect(image.data).toHaveLength(expected.length)
  const difference = image.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i]!)), 0)
  expect(difference).toBeLessThanOrEqual(tolerance)
}

describe('every format', () => {
  test.each<[format: string, encode: () => Promise<Uint8Array>]>([
    ['PNG', () => picture().png().toBuffer()],
    ['interlaced PNG', () => picture().png({ progressive: true }).toBuffer()],
    ['WebP without loss', () => picture().webp({ lossless: true }).toBuffer()],
    ['TIFF', () => picture().tiff({ compression: 'none' }).toBuffer()],
    ['TIFF with LZW', () => picture().tiff({ compression: 'lzw' }).toBuffer()],
  ])('%s keeps every byte', async (_format, encode) => {
    await expectImage(await encode(), noise)
  })

  // the tolerances are what the encoders lose of this gradient, and a little more
  test.each<[format: string, encode: () => Promise<Uint8Array>, tolerance: number]>([
    ['JPEG', () => picture(gradient).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(), 8],
    ['JPEG with half the colours', () => picture(gradient).jpeg({ quality: 95 }).toBuffer(), 12],
    ['progressive JPEG', () => picture(gradient).jpeg({ quality: 95, progressive: true }).toBuffer(), 12],
    ['WebP', () => picture(gradient).webp({ quality: 95 }).toBuffer(), 20],
    ['GIF', () => picture(gradient).gif({ dither: 0 }).toBuffer(), 24],
    ['AVIF', () => picture(gradient).avif({ quality: 90 }).toBuffer(), 12],
  ])('%s loses little', async (_format, encode, tolerance) => {
    await expectImage(await encode(), gradient, tolerance)
  })
})

describe('every kind of pixel becomes 8-bit RGB', () => {
  const grey = noise.subarray(0, pixels)

  test('alpha is dropped and not blended', async () => {
    await expectImage(await picture(withAlpha(noise, 3), 4).png().toBuffer(), noise)
    await expectImage(await picture(withAlpha(noise, 3), 4).webp({ lossless: true, exact: true }).toBuffer(), noise)
  })

  test('grey, and grey with alpha', async () => {
    const asGrey = (image: Sharp) => image.toColourspace('b-w').png().toBuffer()
    await expectImage(await asGrey(picture(grey, 1)), repeated(grey))
    const decoded = await sharp(await asGrey(picture(withAlpha(grey, 1), 2))).metadata()
    expect(decoded).toMatchObject({ channels: 2, hasAlpha: true })
    await expectImage(await asGrey(picture(withAlpha(grey, 1), 2)), repeated(grey))
  })

  test('black and white of one bit', async () => {
    const blackOrWhite = grey.map((value) => (value < 128 ? 0 : 255))
    const png = await picture(repeated(blackOrWhite)).png({ palette: true, colours: 2 }).toBuffer()
    expect(png[24]).toBe(1) // bits in a pixel
    await expectImage(png, repeated(blackOrWhite))
  })

  test('a palette', async () => {
    const colours = [
      [255, 0, 0],
      [0, 130, 60],
      [1, 2, 3],
      [250, 240, 230],
    ]
    const flags = Uint8Array.from({ length: pixels * 3 }, (_, i) => colours[Math.floor(i / 3 / 15) % 4]![i % 3]!)
    const png = await picture(flags).png({ palette: true, colours: 4, quality: 100, dither: 0 }).toBuffer()
    expect(png[25]).toBe(3) // the colour type of palettes
    await expectImage(png, flags)
    await expectImage(await picture(flags).gif().toBuffer(), flags)
  })

  test('16 bits: the upper 8 remain', async () => {
    const deep = Uint16Array.from({ length: pixels * 3 }, (_, i) => (noise[i]! << 8) | ((i * 37) & 255))
    const png = await picture(deep).toColourspace('rgb16').png().toBuffer()
    expect(png[24]).toBe(16)
    await expectImage(png, noise)
    const greyPng = await picture(deep.subarray(0, pixels), 1).toColourspace('grey16').png().toBuffer()
    expect([greyPng[24], greyPng[25]]).toEqual([16, 0])
    await expectImage(greyPng, repeated(grey))
  })

  test('the inks of CMYK, as PIL mixes them', async () => {
    const inks = [0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 10, 20, 30, 255, 100, 50, 0, 128, 1, 2, 254, 3]
    const cmyk = { width: 7, height: 1, photometric: 5, samples: 4, bits: 8, sampleFormat: 1 }
    const { data } = await decodeImage(tiff({ ...cmyk, data: Uint8Array.from(inks) }), 'inks')
    // Image.frombytes('CMYK', (7, 1), bytes(inks)).convert('RGB')
    const expected = [255, 255, 255, 0, 255, 255, 255, 0, 255, 255, 255, 0, 0, 0, 0, 77, 102, 127, 251, 250, 1]
    expect([...data]).toEqual(expected)
  })

  test('CMYK in a JPEG, which holds the inks inverted', async () => {
    const cmyk = { ...size, photometric: 5, samples: 4, bits: 8, sampleFormat: 1 }
    const inks = Uint8Array.from({ length: pixels * 4 }, (_, i) => [200, 40, 0, 25][i % 4]!)
    const source = sharp(tiff({ ...cmyk, data: inks }))
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
    const jpeg = await source.jpeg({ quality: 100 }).toBuffer()
    expect(await sharp(jpeg).metadata()).toMatchObject({ space: 'cmyk', channels: 4 })
    const light = 1 - 25 / 255
    const expected = [200, 40, 0].map((ink) => Math.round((255 - ink) * light))
    await expectImage(
      jpeg,
      Uint8Array.from({ length: pixels * 3 }, (_, i) => expected[i % 3]!),
      2,
    )
  })

  test('a colour profile is ignored', async () => {
    const red = Uint8Array.from({ length: pixels * 3 }, (_, i) => (i % 3 === 0 ? 255 : 0))
    const png = await picture(red).withIccProfile('p3').png().toBuffer()
    // sRGB's red in Display P3, give or take a rounding; whoever applied the profile would get 255, 0, 0
    const inP3 = Uint8Array.from({ length: pixels * 3 }, (_, i) => [234, 51, 35][i % 3]!)
    await expectImage(png, inP3, 1)
  })

  test('grey on demand is the luma', async () => {
    const png = await picture().png().toBuffer()
    const { data, ...shape } = await decodeImage(png, 'picture', { channels: 1 })
    expect(shape).toEqual({ width, height, channels: 1 })
    expect(data).toEqual(luma(noise))
    const same = await decodeImage(await picture(grey, 1).png().toBuffer(), 'picture', { channels: 1 })
    expect(same.data).toEqual(Uint8Array.from(grey))
  })

  test('other numbers of channels are refused', async () => {
    const png = await picture().png().toBuffer()
    await expect(decodeImage(png, 'picture', { channels: 2 as 1 })).rejects.toThrow(OptionError)
    const floats = new Uint8Array(Float32Array.of(0.5, 0.5, 0.5).buffer)
    const float = { width: 1, height: 1, photometric: 2, samples: 3, bits: 32, sampleFormat: 3, data: floats }
    await expect(decodeImage(tiff(float), 'float.tif')).rejects.toThrow(
      /^float\.tif: expected a whole image .*, found \w+ pixels of the type float$/,
    )
  })
})

test('of an animation the first frame', async () => {
  const frames = [noise, gradient].map((data) =>
    sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  )
  const animated = sharp(await Promise.all(frames), { join: { animated: true } })
  const webp = await animated.clone().webp({ lossless: true }).toBuffer()
  expect(await sharp(webp).metadata()).toMatchObject({ pages: 2 })
  await expectImage(webp, noise)
})

test("the orientation of EXIF is applied on demand only, as torchvision's loader does", async () => {
  const jpeg = await picture(gradient).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer()
  await expectImage(jpeg, gradient, 12)
  const turned = await decodeImage(jpeg, 'photo', { applyExifOrientation: true })
  expect(turned).toMatchObject({ width: height, height: width })
  // orientation 6: the first column of the file, from its lower end, is the first row
  const stored = await decodeImage(jpeg, 'photo')
  const pixel = (image: typeof stored, x: number, y: number) => [
    ...image.data.subarray(3 * (y * image.width + x)).slice(0, 3),
  ]
  expect(pixel(turned, 0, 0)).toEqual(pixel(stored, 0, height - 1))
  expect(pixel(turned, 5, 7)).toEqual(pixel(stored, 7, height - 6))
})

describe('refuses', () => {
  const encoders = {
    jpeg: () => picture().jpeg().toBuffer(),
    'progressive jpeg': () => picture().jpeg({ progressive: true }).toBuffer(),
    png: () => picture().png().toBuffer(),
    webp: () => picture().webp().toBuffer(),
    gif: () => picture().gif().toBuffer(),
    tiff: () => picture().tiff({ compression: 'none' }).toBuffer(),
    avif: () => picture().avif().toBuffer(),
  }

  test.each(Object.entries(encoders))('a truncated %s', async (format, encode) => {
    const bytes = await encode()
    for (const part of [0.3, 0.6, 0.95]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * part))
      const result = decodeImage(cut, `${format}.file`)
      await expect(result, `${part * 100} %`).rejects.toThrow(DataError)
      await expect(result).rejects.toThrow(
        new RegExp(`^${format}\\.file: expected a whole image of at most \\d+ pixels`),
      )
    }
  })

  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/hostname"/></svg>'
  test.each<[what: string, content: string | Uint8Array, found: RegExp]>([
    ['an empty file', '', /an empty file$/],
    ['text', 'no image', /one that begins with "no image"$/],
    ['SVG', svg, /one that begins with "<svg xmlns/],
    ['SVG with a declaration', `<?xml version="1.0"?>${svg}`, /one that begins with "<\?xml/],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0', /one that begins with .*ftypheic/],
    ['BMP', 'BM\x46\0\0\0', /one that begins with "BM/],
    ['RIFF that is no WebP', 'RIFF\0\0\0\0WAVEfmt ', /one that begins with "RIFF/],
    ['a lone signature', '\x89PNG\r\n\x1a\n', /found Input buffer has corrupt header/],
  ])('%s', async (_what, content, found) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    const result = decodeImage(bytes, 'folder/file')
    await expect(result).rejects.toThrow(DataError)
    await expect(result).rejects.toThrow(/^folder\/file: expected /)
    await expect(result).rejects.toThrow(found)
  })

  test.each([
    [13_377, 13_378, /^bomb\.tif: expected .* at most 178956970 pixels, found Input image exceeds pixel limit$/],
    [13_377, 13_377, /^bomb\.tif: .*, found (?!Input image exceeds)/], // not too large, but without its pixels
    [65_535, 65_535, /, found Input image exceeds pixel limit$/],
  ])('a few bytes that claim %d x %d pixels', async (width, height, message) => {
    const claim = { width, height, photometric: 2, samples: 3, bits: 8, sampleFormat: 1, data: Uint8Array.of(1, 2, 3) }
    const result = decodeImage(tiff(claim), 'bomb.tif')
    await expect(result).rejects.toThrow(DataError)
    await expect(result).rejects.toThrow(message)
  })

  test('damage, in one way only', { timeout: 60_000 }, async () => {
    const small = (data: Uint8Array) =>
      sharp(data.subarray(0, 8 * 8 * 3), { raw: { width: 8, height: 8, channels: 3 } })
    const files = await Promise.all([
      small(noise).png().toBuffer(),
      small(noise).jpeg().toBuffer(),
      small(noise).webp().toBuffer(),
      small(noise).gif().toBuffer(),
    ])
    const damage = fc.record({
      file: fc.constantFrom(...files),
      position: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      value: fc.integer({ min: 0, max: 255 }),
      cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, position, value, cut }) => {
        const bytes = Uint8Array.from(file.subarray(0, Math.ceil(file.length * (cut ?? 1))))
        bytes[Math.floor(position * bytes.length)] = value
        const image = await decodeImage(bytes, 'damaged').catch((error: unknown) => error)
        if (image instanceof DataError) return
        const { width, height, data } = image as Awaited<ReturnType<typeof decodeImage>>
        expect(data).toHaveLength(width * height * 3)
      }),
      { numRuns: 2_000, seed: 3 },
    )
  })
})

describe('files', () => {
  let folder: string
  const at = (name: string) => path.join(folder, name)
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'daybreak-images-'))
    await writeFile(at('noise.png'), await picture().png().toBuffer())
    await writeFile(at('gradient.png'), await picture(gradient).png().toBuffer())
    await writeFile(at('text.jpg'), 'no image')
    await mkdir(at('folder.png'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('are resized to 256 and cropped to 224 by default', async () => {
    const image = await readImage(at('noise.png'))
    const whole = { width, height, channels: 3, data: noise }
    expect(image).toEqual(resizeAndCrop(whole, { resize: 256, crop: 224 }))
  })

  test('or to what is asked for, in grey', async () => {
    const image = await readImage(at('noise.png'), { resize: 20, crop: [10, 30], channels: 1 })
    const whole = { width, height, channels: 1, data: luma(noise) }
    expect(image).toEqual(resizeAndCrop(whole, { resize: 20, crop: [10, 30] }))
  })

  test('several, in their order', async () => {
    const files = [at('gradient.png'), at('noise.png')]
    const images = await readImages(files, { resize: 40, crop: 32 })
    expect(images).toEqual([
      await readImage(files[0]!, { resize: 40, crop: 32 }),
      await readImage(files[1]!, { resize: 40, crop: 32 }),
    ])
    expect(await readImages([])).toEqual([])
  })

  test.each([
    ['missing.png', /missing\.png: expected a file of at most 512\.0 MiB, found ENOENT/],
    ['folder.png', /folder\.png: expected a file of at most .*, found a folder$/],
    ['text.jpg', /text\.jpg: expected an image file \(JPEG, PNG, WebP, GIF, TIFF, AVIF\), found one that begins with/],
  ])('refuses %s and names it', async (name, message) => {
    await expect(readImage(at(name))).rejects.toThrow(DataError)
    await expect(readImages([at('noise.png'), at(name)])).rejects.toThrow(message)
  })

  test.skipIf(process.platform === 'win32')('refuses a device, which would not end', async () => {
    await expect(readImage('/dev/zero')).rejects.toThrow(/found something else than a file$/)
  })
})

describe('without sharp', () => {
  afterEach(() => {
    vi.doUnmock('sharp')
    vi.resetModules()
  })

  test('says what to install', async () => {
    vi.resetModules()
    vi.doMock('sharp', () => {
      throw new Error("Cannot find package 'sharp'")
    })
    const { decodeImage: decodeWithout } = await import('../../src/data/images.js')
    const message = await decodeWithout(await picture().png().toBuffer(), 'picture').catch(
      (error: unknown) => error as Error,
    )
    expect(message).toMatchObject({
      name: DaybreakError.name,
      message: expect.stringMatching(/npm install sharp/) as string,
    })
  })
})
