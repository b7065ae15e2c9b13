/** How many bytes of a file's beginning `recogniseFormat` looks at. */
export const sniffedBytes = 64

const pytorchToSafetensors =
  'convert it once with PyTorch and the safetensors package: python3 -c "import torch; from safetensors.torch ' +
  "import save_file; save_file(torch.load('IN.pth', map_location='cpu'), 'OUT.safetensors')\""

/** Binary formats that a file may have instead, by the characters (one per byte) with which their files begin. */
const binaryFormats: readonly { readonly begins: readonly string[]; readonly is: string }[] = [
  {
    begins: ['PK\x03\x04'],
    is: `a zip archive, as PyTorch's .pth and .pt files are, which are not read yet; ${pytorchToSafetensors}`,
  },
  {
    begins: ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'], // the versions of the protocol
    is: `a Python pickle, as older .pth and .pt files are, which are not read yet; ${pytorchToSafetensors}`,
  },
  { begins: ['\x89HDF\r\n\x1a\n'], is: 'an HDF5 file, as Keras writes; it is not read yet' },
  { begins: ['\x93NUMPY'], is: 'a NumPy array; it is not read yet' },
  { begins: ['\x1f\x8b'], is: 'a gzip archive; unpack it first' },
]

/** The same for text, where space and case may differ. */
const textFormats: readonly { readonly begins: RegExp; readonly is: string }[] = [
  { begins: /^version https:\/\/git-lfs/, is: 'a Git LFS pointer and not the file itself; run `git lfs pull`' },
  { begins: /^\s*<(!doctype|html|\?xml)/i, is: 'a web page, probably an error page that a download left' },
  { begins: /^\s*\{/, is: 'JSON text; the index of a sharded checkpoint is not read yet, give its shards as one file' },
]

/**
 * What a weights file is, by its content and only then by its name: a `format` that is read, or the description of a
 * `foreign` one, or neither where nothing is known.
 *
 * @param start the first bytes of the file, `sniffedBytes` of them or all
 */
export function recogniseFormat(start: Uint8Array, file: string): { format?: 'safetensors'; foreign?: string } {
  // First, because the length of a safetensors header may look like the first bytes of a pickle: nothing else has
  // zeros in bytes 4 to 7 (no header reaches 4 GiB) and a brace behind them.
  const looksLikeSafetensors = start[8] === 0x7b && start.subarray(4, 8).every((byte) => byte === 0)
  if (looksLikeSafetensors) return { format: 'safetensors' }
  const text = Array.from(start, (byte) => String.fromCharCode(byte)).join('')
  const foreign =
    binaryFormats.find(({ begins }) => begins.some((magic) => text.startsWith(magic))) ??
    textFormats.find(({ begins }) => begins.test(text))
  if (foreign !== undefined) return { foreign: foreign.is }
  // Damaged, then, and its own parser says best where.
  return file.toLowerCase().endsWith('.safetensors') ? { format: 'safetensors' } : {}
}
