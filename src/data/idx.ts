import { DataError } from '../device/errors.js'

/** An array of an IDX file: unsigned bytes in row-major order. */
export interface IdxArray {
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** Element types of IDX, by the third byte of the file. */
const elementTypes: Record<number, string> = {
  0x08: 'unsigned bytes',
  0x09: 'signed bytes',
  0x0b: '16-bit integers',
  0x0c: '32-bit integers',
  0x0d: '32-bit floats',
  0x0e: '64-bit floats',
}
const unsignedByte = 0x08

/**
 * Reads an unpacked IDX file of unsigned bytes, the format of MNIST (http://yann.lecun.com/exdb/mnist/): two zero
 * bytes, the element type, the number of dimensions, each dimension as a 32-bit big-endian integer, the data.
 *
 * @param source what errors call the file
 * @param dimensions how many dimensions the array must have: 3 for images [N, H, W], 1 for labels [N]
 * @returns a view on `bytes`, not a copy
 * @throws DataError where the magic number, the element type, the dimensions or the length are not right
 */
export function parseIdx(bytes: Uint8Array, source: string, dimensions: number): IdxArray {
  const magic = bytes.subarray(0, 4)
  const [zero0, zero1, type = 0, found = 0] = magic
  const wanted = hex([0, 0, unsignedByte, dimensions])
  if (magic.length < 4) throw new DataError(source, `an IDX file that begins with ${wanted}`, lengthOf(bytes))
  if (zero0 !== 0 || zero1 !== 0 || !Object.hasOwn(elementTypes, type)) {
    throw new DataError(source, `an IDX file, whose magic number is ${wanted}`, `the magic number ${hex(magic)}`)
  }
  if (type !== unsignedByte)
    throw new DataError(source, 'an IDX file of unsigned bytes', `one of ${elementTypes[type]}`)
  if (found !== dimensions) {
    throw new DataError(source, `an IDX array of ${dimensions} dimension(s)`, `one of ${found} (magic ${hex(magic)})`)
  }
  const dataStart = 4 + 4 * dimensions
  if (bytes.length < dataStart) throw new DataError(source, `an IDX header of ${dataStart} bytes`, lengthOf(bytes))
  const view = new DataView(bytes.buffer, bytes.byteOffset, dataStart)
  const shape = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index))
  // In doubles: a hostile product is too large to be a file's length, inexact or not.
  const dataLength = shape.reduce((product, size) => product * size, 1)
  if (bytes.length - dataStart !== dataLength) {
    throw new DataError(
      source,
      `${dataLength} bytes of data for the dimensions [${shape.join(', ')}]`,
      `${bytes.length - dataStart}; the file ${bytes.length - dataStart < dataLength ? 'is truncated' : 'is too long'}`,
    )
  }
  return { shape, data: bytes.subarray(dataStart) }
}

function lengthOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? 'an empty file' : `a file of ${bytes.length} bytes; it is truncated`
}

function hex(bytes: Iterable<number>): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
