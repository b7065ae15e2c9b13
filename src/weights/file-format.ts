import type { WeightsFormat } from './weights-file.js'

/** How many bytes of a file's beginning `recogniseFormat` looks at. */
export const sniffedBytes = 512

/** Binary formats, by the bytes with which their files begin, in hexadecimal. */
const binaryFormats: readonly { readonly begins: RegExp; readonly format?: WeightsFormat; readonly is?: string }[] = [
  { begins: /^504b0304/, format: 'pytorch' }, // a zip archive
  { begins: /^504b0506/, is: 'an empty zip archive' },
  { begins: /^800[2-5]/, format: 'pytorch' }, // a pickle, by the version of its protocol
  { begins: /^4c313139353437303337313436/, format: 'pytorch' }, // the magic number as protocol 1 has it: L119547037146...
  {
    begins: /^(..){257}7573746172/,
    is: 'a tar archive; if PyTorch wrote it (before 0.1.10), load it and torch.save it anew',
  },
  { begins: /^894844460d0a1a0a/, format: 'keras' }, // HDF5
  // The version of ONNX (field 1), then one of the next fields of a ModelProto.
  { begins: /^08(0[3-9a-f]|1.)(12|1a|22|28|32|3a|42)/, format: 'onnx' },
  { begins: /^934e554d5059/, is: 'a single NumPy array without a name; put it into an .npz archive (numpy.savez)' },
  { begins: /^1f8b/, is: 'a gzip archive; unpack it first' },
]

/** Texts, where space and case may differ. */
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
  const hexadecimal = Array.from(start, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const text = Array.from(start, (byte) => String.fromCharCode(byte)).join('')
  if (hexadecimal.startsWith('504b0304') && isNumpyName(start, text)) return { format: 'numpy' }
  const byContent =
    binaryFormats.find(({ begins }) => begins.test(hexadecimal)) ?? textFormats.find(({ begins }) => begins.test(text))
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
