import type { WeightsFormat } from './weights-file.js'

/** How many bytes of a file's beginning `recogniseFormat` looks at. */
export const sniffedBytes = 512

/** Binary formats, by the characters (one per byte) with which their files begin. */
const binaryFormats: readonly { readonly begins: RegExp; readonly format?: WeightsFormat; readonly is?: string }[] = [
  { begins: /^PK\x03\x04/, format: 'pytorch' },
  { begins: /^PK\x05\x06/, is: 'an empty zip archive' },
  { begins: /^\x80[\x02-\x05]/, format: 'pytorch' }, // a pickle, by the version of its protocol
  { begins: /^\x89HDF\r\n\x1a\n/, format: 'keras' },
  // The version of the format (field 1), then one of the next fields of a ModelProto.
  { begins: /^\x08[\x03-\x1f][\x12\x1a\x22\x28\x32\x3a\x42]/, format: 'onnx' },
  { begins: /^\x93NUMPY/, is: 'a single NumPy array without a name; put it into an .npz archive (numpy.savez)' },
  { begins: /^\x1f\x8b/, is: 'a gzip archive; unpack it first' },
]

/** The same for text, where space and case may differ. */
const textFormats: readonly { readonly begins: RegExp; readonly format?: 'shards'; readonly is?: string }[] = [
  { begins: /^version https:\/\/git-lfs/, is: 'a Git LFS pointer and not the file itself; run `git lfs pull`' },
  { begins: /^\s*<(!doctype|html|\?xml)/i, is: 'a web page, probably an error page that a download left' },
  { begins: /^\s*\{/, format: 'shards' },
]

/** Damaged files of a format that they are named after: its own parser says best what is wrong. */
const extensions: readonly { readonly ends: RegExp; readonly format: WeightsFormat }[] = [
  { ends: /\.safetensors$/i, format: 'safetensors' },
  { ends: /\.onnx$/i, format: 'onnx' },
]

/**
 * What a weights file is, by its content and only then by its name: a `format` that is read (`shards` for the JSON index
 * of a checkpoint of several files), or what a foreign one `is`, or neither where nothing is known.
 *
 * @param start the first bytes of the file, `sniffedBytes` of them or all
 */
export function recogniseFormat(start: Uint8Array, file: string): { format?: WeightsFormat | 'shards'; is?: string } {
  // First, because the length of a safetensors header may look like the first bytes of a pickle: nothing else has
  // zeros in bytes 4 to 7 (no header reaches 4 GiB) and a brace behind them.
  const looksLikeSafetensors = start[8] === 0x7b && start.subarray(4, 8).every((byte) => byte === 0)
  if (looksLikeSafetensors) return { format: 'safetensors' }
  const text = Array.from(start, (byte) => String.fromCharCode(byte)).join('')
  if (text.startsWith('PK\x03\x04') && isNumpyName(start, text)) return { format: 'numpy' }
  const byContent = [...binaryFormats, ...textFormats].find(({ begins }) => begins.test(text))
  const byName = start.length === 0 ? undefined : extensions.find(({ ends }) => ends.test(file))
  return byContent ?? byName ?? {}
}

/** Whether the first entry of a zip archive is an array: its name is 30 bytes behind the beginning, in PyTorch's short. */
function isNumpyName(start: Uint8Array, text: string): boolean {
  const nameEnd = 30 + (start[26] ?? 0) + 256 * (start[27] ?? 0)
  return nameEnd > start.length || text.slice(30, nameEnd).endsWith('.npy')
}

/** What is said of a file of no known format. */
export function describeUnknown(start: Uint8Array): string {
  if (start.length === 0) return 'an empty file'
  const hex = Array.from(start.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return `an unknown format (its first bytes are ${hex})`
}
