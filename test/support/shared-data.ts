/**
 * Data that is not part of the project because its licence forbids it: pretrained weights and photos. It is looked for in
 * a folder `shared/data` next to the repository, or where DAYBREAK_TEST_DATA says; tests skip where it is missing.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NamedArray, StateDict } from '../../src/nn/index.js'
import { parseSafetensors } from '../../src/weights/index.js'

const folder = process.env.DAYBREAK_TEST_DATA ?? fileURLToPath(new URL('../../../shared/data/', import.meta.url))

/** The path of a file of the shared data. */
export const sharedPath = (name: string): string => path.join(folder, name)

/** The first of the named files that is missing, if any is. */
export function missingSharedFile(names: readonly string[]): string | undefined {
  return names.map(sharedPath).find((file) => !existsSync(file))
}

/** Reads a safetensors file of the shared data. */
export function readShared(name: string): StateDict {
  return parseSafetensors(readFileSync(sharedPath(name)), name).stateDict
}

/**
 * Expands a product-quantised checkpoint to torchvision's state dict: row `o` of a weight is the chain of the codebook's
 * entries with the numbers `codes[o]`.
 */
export function readQuantised(name: string, architecture: 'resnet18' | 'resnet50'): StateDict {
  const packed = readShared(name)
  const result: StateDict = new Map()
  for (const [key, array] of packed) {
    if (key.endsWith('.codebook')) continue
    if (!key.endsWith('.codes')) {
      result.set(key, array)
      continue
    }
    const layer = key.slice(0, -'.codes'.length)
    const rows = expand(array, packed.get(`${layer}.codebook`)!)
    result.set(`${layer}.weight`, { ...rows, shape: weightShape(architecture, layer, rows.shape) })
  }
  return result
}

function expand(
  codes: NamedArray,
  codebook: NamedArray,
): { shape: [number, number]; dtype: 'float32'; data: Float32Array } {
  const [rows, perRow] = codes.shape as [number, number]
  const length = codebook.shape[1]!
  const entries = codebook.data as Float32Array
  const data = new Float32Array(rows * perRow * length)
  for (let i = 0; i < rows * perRow; i++) {
    const code = Number(codes.data[i])
    data.set(entries.subarray(code * length, (code + 1) * length), i * length)
  }
  return { shape: [rows, perRow * length], dtype: 'float32', data }
}

/** Kernels are 3x3 in `conv2` of a bottleneck and in both convolutions of a basic block, else 1x1. */
function weightShape(architecture: string, layer: string, [rows, columns]: [number, number]): number[] {
  if (layer === 'fc') return [rows, columns]
  const last = layer.split('.').at(-1)
  const size = (architecture === 'resnet50' ? last === 'conv2' : last !== '0') ? 3 : 1
  return [rows, columns / (size * size), size, size]
}

/** [N, C, H, W] -> [N, H, W, C]. */
export function toNHWC({ shape, data }: NamedArray): Float32Array {
  const [n, c, h, w] = shape as [number, number, number, number]
  const pixels = h * w
  return Float32Array.from({ length: n * c * pixels }, (_, i) => {
    const channel = i % c
    const pixel = Math.floor(i / c) % pixels
    const image = Math.floor(i / (c * pixels))
    return Number(data[(image * c + channel) * pixels + pixel])
  })
}
