/**
 * Image files as networks see them: decoded as `PIL.Image.open(file).convert('RGB')` does, which is how torchvision loads
 * images, then resized and cropped (see resize.ts). Node only: `sharp`, an optional package, decodes.
 *
 * Measured against Pillow 9.4 and torchvision 0.14: the bytes are equal, resized and cropped ones too, for the JPEG and PNG
 * photos of the tests, and decoded ones for grey, palette, 16-bit RGB, CMYK, alpha, progressive, subsampled and animated
 * files. Two differences are meant: 16-bit grey is scaled to bytes, where Pillow 9 clips it at 255, and transparent pixels
 * of a GIF are black, where Pillow shows the palette's colour.
 */
import type sharp from 'sharp'
import type { Sharp } from 'sharp'
import { DataError, DaybreakError, OptionError } from '../device/errors.js'
import { readRegularFile } from './read-file.js'
import { type DecodedImage, type Geometry, resizeAndCrop } from './resize.js'

export interface DecodeOptions {
  /** 3 for RGB, the default, or 1 for grey: PIL's mode `L`. */
  readonly channels?: 1 | 3
  /** Turn a photo as its EXIF data says. Like torchvision's loader, the default does not: `false`. */
  readonly applyExifOrientation?: boolean
}

export interface ReadImageOptions extends DecodeOptions, Partial<Geometry> {}

/** What ImageNet's networks are evaluated with: the shorter side 256, then the 224x224 in the middle. */
export const imagenetGeometry: Geometry = { resize: 256, crop: 224 }

/** Files are read as a whole; no photo is larger. */
const largestFile = 512 * 1024 * 1024

/** PIL refuses more as a decompression bomb. */
const mostPixels = 178_956_970

/** How files begin: what has to stand at which byte. */
const signatures: readonly (readonly [format: string, ...parts: [position: number, text: string][]])[] = [
  ['JPEG', [0, '\xff\xd8\xff']],
  ['PNG', [0, '\x89PNG\r\n\x1a\n']],
  ['WebP', [0, 'RIFF'], [8, 'WEBP']],
  ['GIF', [0, 'GIF8']],
  ['TIFF', [0, 'II*\0']],
  ['TIFF', [0, 'MM\0*']],
  ['AVIF', [4, 'ftypavif']],
]

/** How much of each colour is in grey, in 65536ths: 0.299, 0.587 and 0.114, as PIL rounds them. */
const greyWeights = { red: 19595, green: 38470, blue: 7471 }

/**
 * Reads image files for a network: each is decoded, resized and cropped, so all have one size.
 *
 * @throws DataError for the first file that cannot be read; OptionError for sizes that are none
 */
export async function readImages(files: readonly string[], options: ReadImageOptions = {}): Promise<DecodedImage[]> {
  const images: DecodedImage[] = []
  for (const file of files) images.push(await readImage(file, options)) // one at a time: a photo may have 500 MB
  return images
}

/**
 * Reads an image file for a network.
 *
 * @param options the shorter side is resized to `resize` (256), and `crop` (224) cut from the middle
 * @returns [crop, crop, channels]
 * @throws DataError where the file cannot be read or decoded (see `decodeImage`); OptionError for sizes that are none
 */
export async function readImage(
  file: string,
  { resize = imagenetGeometry.resize, crop = imagenetGeometry.crop, ...options }: ReadImageOptions = {},
): Promise<DecodedImage> {
  const bytes = await readRegularFile(file, largestFile)
  return resizeAndCrop(await decodeImage(bytes, file, options), { resize, crop })
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF or AVIF image of at most 178,956,970 pixels; of an animation the first frame. Alpha is
 * dropped, not blended; colour profiles are ignored; 16-bit channels keep their upper 8 bits. SVG is refused: it is a program
 * for drawing that may name other files.
 *
 * @param bytes the file's content
 * @param source what errors call the image, such as its file
 * @returns the image in its own size, with 3 channels or 1
 * @throws DataError where it is no such image, truncated, damaged or too large; DaybreakError where sharp is not installed
 */
export async function decodeImage(
  bytes: Uint8Array,
  source: string,
  { channels = 3, applyExifOrientation = false }: DecodeOptions = {},
): Promise<DecodedImage> {
  checkChannels(channels)
  checkSignature(bytes, source)
  const open = await importSharp()
  const decoder = open(bytes, {
    ignoreIcc: true,
    failOn: 'error',
    limitInputPixels: mostPixels,
    autoOrient: applyExifOrientation,
  })
  const image = await decodeRgb(decoder).catch((error: unknown) => {
    throw new DataError(source, `a whole image of at most ${mostPixels} pixels`, reasonOf(error))
  })
  return channels === 1 ? toGrey(image) : image
}

/** Decodes to 8-bit RGB. Throws what sharp throws. */
async function decodeRgb(decoder: Sharp): Promise<DecodedImage> {
  const { space, depth } = await decoder.metadata()
  if (depth !== 'uchar' && (depth !== 'ushort' || space === 'cmyk')) {
    throw new Error(`${space} pixels of the type ${depth}`)
  }
  // libvips would convert the inks with a colour profile, PIL multiplies
  if (space === 'cmyk') return cmykToRgb(await decodeAs('cmyk', 4, decoder.pipelineColourspace('cmyk')))
  return decodeAs('srgb', 3, decoder.removeAlpha())
}

async function decodeAs(space: 'cmyk' | 'srgb', channels: number, decoder: Sharp): Promise<DecodedImage> {
  const { data, info } = await decoder.toColourspace(space).raw().toBuffer({ resolveWithObject: true })
  const { width, height } = info
  if (info.channels !== channels) throw new Error(`${info.channels} channels`)
  // not as a Buffer, whose slice() is no copy
  return { height, width, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** Each colour is what its ink and the black let through, rounded as PIL does. */
function cmykToRgb({ height, width, data: inks }: DecodedImage): DecodedImage {
  const data = new Uint8Array(height * width * 3)
  for (let pixel = 0; pixel < height * width; pixel++) {
    const light = 255 - inks[pixel * 4 + 3]!
    for (let channel = 0; channel < 3; channel++) {
      const absorbed = inks[pixel * 4 + channel]! * light + 128
      data[pixel * 3 + channel] = light - ((absorbed + (absorbed >> 8)) >> 8)
    }
  }
  return { height, width, channels: 3, data }
}

/** PIL's `convert('L')`: the luma of ITU-R 601-2. */
function toGrey({ height, width, data: rgb }: DecodedImage): DecodedImage {
  const { red, green, blue } = greyWeights
  const data = new Uint8Array(height * width)
  for (let pixel = 0, i = 0; pixel < data.length; pixel++, i += 3) {
    data[pixel] = (rgb[i]! * red + rgb[i + 1]! * green + rgb[i + 2]! * blue + 0x8000) >> 16
  }
  return { height, width, channels: 1, data }
}

function checkChannels(channels: number): void {
  if (channels !== 1 && channels !== 3) throw new OptionError('channels', '1 or 3', channels)
}

/** Decides before sharp does, which would draw an SVG. */
function checkSignature(bytes: Uint8Array, source: string): void {
  const head = String.fromCharCode(...bytes.subarray(0, 16))
  if (signatures.some(([, ...parts]) => parts.every(([position, text]) => head.startsWith(text, position)))) return
  const formats = [...new Set(signatures.map(([format]) => format))].join(', ')
  const found = bytes.length === 0 ? 'an empty file' : `one that begins with ${JSON.stringify(head)}`
  throw new DataError(source, `an image file (${formats})`, found)
}

async function importSharp(): Promise<typeof sharp> {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new DaybreakError(`images are decoded by the npm package sharp, npm install sharp (${reasonOf(error)})`)
  }
}

/** The first line of an error's text: libvips repeats itself. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().split('\n')[0]!
}
