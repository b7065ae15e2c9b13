/**
 * Numbers from an integer hash of (name, index), and state dicts made of them: the TypeScript twin of
 * test/golden/hash_fill.py and test/golden/networks.py, which define them. Golden values of whole networks belong to
 * these weights, so that no weights need to be stored.
 */
import { elementCount, type NamedArray, type StateDict } from '../../src/weights/index.js'

/** FNV-1a, 32 bits, of the UTF-8 bytes. */
export function fnv1a(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The hash at one index of a name, as an unsigned 32-bit integer; `seed` is the name's `fnv1a`. */
function hashAt(seed: number, index: number): number {
  let hash = Math.imul(index, 0x9e3779b1) ^ seed
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519)
  hash = Math.imul(hash ^ (hash >>> 13), 3266489917)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A number in [-1, 1) that float32 holds exactly. */
const uniformAt = (seed: number, index: number): number => (hashAt(seed, index) >>> 8) / 8388608 - 1

/** The first hash values of a name, as unsigned 32-bit integers. */
export function hashIntegers(name: string, count: number): Uint32Array<ArrayBuffer> {
  const seed = fnv1a(name)
  return Uint32Array.from({ length: count }, (_, index) => hashAt(seed, index))
}

/** Values uniform in [offset - scale, offset + scale). */
export function hashFill(name: string, count: number, scale = 1, offset = 0): Float32Array<ArrayBuffer> {
  const seed = fnv1a(name)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) values[i] = offset + scale * uniformAt(seed, i)
  return values
}

/** The network input, [batch, size, size, 3], and its labels. */
export function hashBatch(batch: number, size: number, numClasses: number) {
  const shape = [batch, size, size, 3]
  return {
    input: { shape, data: hashFill('input', elementCount(shape)) },
    labels: { shape: [batch], data: Int32Array.from(hashIntegers('labels', batch), (hash) => hash % numClasses) },
  }
}

/**
 * A torchvision state dict with every entry filled from its name.
 *
 * @param shapes torchvision's names and shapes (convolutions OIHW): all of a network's, or any part of them with `names`
 * @param names all names of the network: the last batch norm of a residual branch has smaller weights
 */
export function hashStateDict(
  shapes: readonly (readonly [name: string, shape: readonly number[]])[],
  names: ReadonlySet<string> = new Set(shapes.map(([name]) => name)),
): StateDict {
  return new Map(shapes.map(([name, shape]) => [name, hashWeight(name, shape, names)]))
}

/** A state dict of MiniVGG. */
export function hashMiniVGG(numClasses: number): StateDict {
  return hashStateDict([
    ['features.0.weight', [16, 1, 3, 3]],
    ['features.0.bias', [16]],
    ['features.3.weight', [32, 16, 3, 3]],
    ['features.3.bias', [32]],
    ['features.6.weight', [64, 32, 3, 3]],
    ['features.6.bias', [64]],
    ['classifier.weight', [numClasses, 64 * 7 * 7]],
    ['classifier.bias', [numClasses]],
  ])
}

function hashWeight(name: string, shape: readonly number[], names: ReadonlySet<string>): NamedArray {
  if (name.endsWith('.num_batches_tracked')) return { shape, dtype: 'int64', data: new BigInt64Array(1) }
  const count = elementCount(shape)
  const [scale, offset] = endsBranch(name, names) ? [0.05, 0.25] : scaleAndOffset(name, shape, count)
  return { shape, dtype: 'float32', data: hashFill(name, count, scale, offset) }
}

/** Whether this is the weight of the last batch norm before the addition: `bn3` in a bottleneck, `bn2` in a basic block. */
function endsBranch(name: string, names: ReadonlySet<string>): boolean {
  const block = /^(layer\d+\.\d+\.)bn([23])\.weight$/.exec(name)
  return block !== null && (block[2] === '3' || !names.has(`${block[1]}bn3.weight`))
}

function scaleAndOffset(name: string, shape: readonly number[], count: number): [scale: number, offset: number] {
  if (name.endsWith('.bias') || name.endsWith('.running_mean')) return [0.1, 0]
  if (name.endsWith('.running_var')) return [0.3, 1]
  if (shape.length === 4) return [Math.sqrt(6 / (count / shape[0]!)), 0]
  if (shape.length === 2) return [Math.sqrt(3 / shape[1]!), 0]
  return [0.1, 1] // the weight of a batch norm
}

/** L2 norm, sum, and dot product with the hash vector `probe:<name>`: what golden files keep of a large array. */
export type Checksum = readonly [norm: number, sum: number, probe: number]

/**
 * The checksum of one parameter's gradient or of a buffer.
 *
 * @param values in torchvision's layout: see `toTorchvision`
 */
export function checksumOf(name: string, values: Float32Array): Checksum {
  const seed = fnv1a(`probe:${name}`)
  let squares = 0
  let sum = 0
  let probe = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    squares += value * value
    sum += value
    probe += value * uniformAt(seed, i)
  }
  return [Math.sqrt(squares), sum, probe]
}

/**
 * The difference of each checksum from the golden one, relative to the golden norm. A norm below 1e-4 of the largest one
 * counts as that: the gradient of a bias in front of a batch norm is zero but for rounding.
 */
export function checksumError(actual: readonly Checksum[], golden: readonly Checksum[]): Checksum[] {
  const floor = 1e-4 * Math.max(...golden.map(([norm]) => norm))
  return golden.map((expected, row) => {
    const scale = Math.max(expected[0], floor)
    const error = (column: 0 | 1 | 2) => Math.abs(actual[row]![column] - expected[column]) / scale
    return [error(0), error(1), error(2)]
  })
}

/** The rows of a golden checksum table, [rows, 3]. */
export function checksumRows(table: ArrayLike<number>): Checksum[] {
  return Array.from({ length: table.length / 3 }, (_, row) => [
    table[3 * row]!,
    table[3 * row + 1]!,
    table[3 * row + 2]!,
  ])
}

/** Convolution weights or their gradients from Daybreak's [KH, KW, Cin, Cout] to torchvision's OIHW; others unchanged. */
export function toTorchvision(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return values
  const [height, width, channels, outputs] = shape as [number, number, number, number]
  const taps = height * width
  const result = new Float32Array(values.length)
  for (let tap = 0; tap < taps; tap++) {
    for (let c = 0; c < channels; c++) {
      for (let o = 0; o < outputs; o++) {
        result[(o * channels + c) * taps + tap] = values[(tap * channels + c) * outputs + o]!
      }
    }
  }
  return result
}
