import type { Readable } from 'node:stream'
import { WeightsError } from '../../device/errors.js'
import type { StoredArray } from '../../nn/state-dict.js'
import { elementSizes } from '../element-types.js'
import { checkArray } from '../stored-arrays.js'
import { elementCount } from '../weights-file.js'
import { encodeNpyHeader } from './header.js'

/** Bytes that go to the archive at a time, as copies, so that an array is free when the last of its bytes is on its way. */
const pieceSize = 256 * 1024

/** The longest name of a zip archive's entry, in bytes. */
const longestEntryName = 65535

/**
 * The bytes of an `.npz` archive, as `numpy.savez` writes it: a zip archive of NPY files that are not compressed, in the
 * order of `tensors`, with a fixed date, so that the same input gives the same bytes; Zip64 beyond 4 GiB. Each tensor is read
 * when its turn comes: no more than one of them is in memory. PyTorch loads the file with
 * `model.load_state_dict({k: torch.from_numpy(v) for k, v in numpy.load('F.npz').items()})`.
 *
 * @throws WeightsError where an array does not fit its shape, or its name would not be safe in an archive; and what reading
 *   a tensor throws
 */
export async function* npzPieces(
  tensors: ReadonlyMap<string, StoredArray>,
  file: string,
): AsyncGenerator<Uint8Array, void> {
  const { ZipFile } = await import('yazl')
  const stream = await import('node:stream')
  for (const name of tensors.keys()) checkName(name, file)
  const archive = new ZipFile()
  // NumPy's date, the first of zip archives; at noon, which no time zone skips
  const options = { compress: false, mtime: new Date(1980, 0, 1, 12), forceDosTimestamp: true }
  const output = archive.outputStream.pipe(new stream.PassThrough())
  const fail = (error: Error) => output.destroy(error)
  archive.on('error', fail)
  let input: Readable | undefined
  for (const [name, stored] of tensors) {
    const header = encodeNpyHeader(stored.dtype, stored.shape)
    const size = header.length + elementCount(stored.shape) * elementSizes[stored.dtype]
    archive.addReadStreamLazy(`${name}.npy`, { ...options, size }, (callback) => {
      input = stream.Readable.from(npyPieces(header, name, stored, file))
      stream.finished(input, (error) => error && fail(error))
      callback(null, input)
    })
  }
  archive.end()
  try {
    for await (const piece of output as AsyncIterable<Uint8Array>) yield piece
  } finally {
    input?.destroy() // where the consumer stops early, or an error does
  }
}

async function* npyPieces(
  header: Uint8Array,
  name: string,
  stored: StoredArray,
  file: string,
): AsyncGenerator<Uint8Array, void> {
  yield header
  const array = await stored.read()
  checkArray(name, array, stored, file)
  const { buffer, byteOffset, byteLength } = array.data
  for (let at = 0; at < byteLength; at += pieceSize) {
    yield new Uint8Array(buffer, byteOffset + at, Math.min(pieceSize, byteLength - at)).slice()
  }
}

/** Names that lead out of a folder where somebody unpacks the archive, or that two programs would read differently. */
const unsafeName = /[\\\0]|^\/|^[a-z]:|(^|\/)\.\.(\/|$)/i

function checkName(name: string, file: string): void {
  const bytes = new TextEncoder().encode(`${name}.npy`)
  const isText = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) === `${name}.npy`
  if (isText && bytes.length <= longestEntryName && !unsafeName.test(name)) return
  throw new WeightsError(file, {
    tensor: name.slice(0, 100),
    expected: `a name that is safe in a zip archive: at most ${longestEntryName} bytes, relative, without ".." and backslashes`,
    found: 'another',
  })
}
