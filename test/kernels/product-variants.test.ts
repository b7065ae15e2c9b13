/** Every variant of the inner product, over all classes of shapes, gives the same products and convolutions. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { conv2dForward } from '../../src/kernels/conv2d/forward.js'
import { type Conv2dGeometry, outputLength } from '../../src/kernels/conv2d/geometry.js'
import { conv2dInputGradient } from '../../src/kernels/conv2d/input-gradient.js'
import { conv2dWeightGradient } from '../../src/kernels/conv2d/weight-gradient.js'
import { matmul } from '../../src/kernels/matmul/matmul.js'
import {
  defaultProductVariant,
  type ProductVariant,
  productVariants,
  productVariantsFor,
  tilingOf,
} from '../../src/kernels/matmul/tiling.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'

const holder = useEngine()
const tiny = useEngineWithGpuKernels({ requiredLimits: tinyLimits })
const gpu = useEngineWithGpuKernels()

/** Sums of up to 1152 products of numbers below 1: see conv2d.test.ts. */
const tolerance = 5e-6

function product(left: Float32Array, right: Float32Array, rows: number, columns: number, depth: number): Float64Array {
  const result = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < depth; k++) {
      for (let j = 0; j < columns; j++) result[i * columns + j]! += left[i * depth + k]! * right[k * columns + j]!
    }
  }
  return result
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (_value, i) => values[(i % rows) * columns + Math.floor(i / rows)]!)
}

const sizes: [name: string, rows: number, columns: number, depth: number][] = [
  ['one element', 1, 1, 1],
  ['multiples of four, below a tile', 4, 8, 12],
  ['not of four', 5, 7, 9],
  ['vectors on the left only', 8, 7, 16],
  ['vectors on the right only', 6, 8, 9],
  ['narrow', 70, 10, 40],
  ['as narrow as 16 columns', 40, 16, 20],
  ['just not narrow', 40, 17, 20],
  ['several tiles, whole', 128, 256, 32],
  ['several tiles, cut', 132, 140, 36],
  ['several tiles, cut, no vectors', 131, 141, 35],
  ['a long depth, which is split', 12, 20, 1152],
]

async function checkProducts(engine: Engine, variant: ProductVariant): Promise<void> {
  for (const [name, rows, columns, depth] of sizes) {
    const [left, right] = [testValues(rows * depth, 1), testValues(depth * columns, 2)]
    const expected = product(left, right, rows, columns, depth)
    for (const transposeLeft of [false, true]) {
      for (const transposeRight of [false, true]) {
        const a = engine.tensor(transposeLeft ? transposed(left, rows, depth) : left)
        const b = engine.tensor(transposeRight ? transposed(right, depth, columns) : right)
        const output = engine.full([rows * columns], 1e9)
        const buffers = { left: a.buffer, right: b.buffer, output: output.buffer }
        matmul(engine.device, { ...buffers, rows, columns, depth, transposeLeft, transposeRight, variant })
        const what = `${variant}, ${name}${transposeLeft ? ', left transposed' : ''}${transposeRight ? ', right transposed' : ''}`
        expectClose(await output.toArray(), expected, tolerance, what)
      }
    }
  }
}

const geometries: Record<string, Partial<Conv2dGeometry>> = {
  'channels of four': {},
  'channels not of four': { inputChannels: 3, outputChannels: 6 },
  'input of four only': { outputChannels: 5 },
  'few channels, far beyond the image': { inputChannels: 3, kernelSize: [5, 7], stride: [2, 2], padding: [2, 3] },
  'one channel, dilated down': { inputChannels: 1, dilation: [2, 1], padding: [2, 1] },
  'four channels, no padding': { inputChannels: 4, padding: [0, 0] },
  'just not few channels': { inputChannels: 5 },
  'stride 2': { stride: [2, 2] },
  'dilation, other padding': { dilation: [2, 1], padding: [2, 0] },
  groups: { inputChannels: 16, outputChannels: 24, groups: 2 },
  'groups not of four': { inputChannels: 6, outputChannels: 9, groups: 3 },
  'channels that do not divide the depth of a slice': { inputChannels: 20, outputChannels: 12 },
  'one image': { batch: 1, inputSize: [9, 9] },
}

function geometryOf(changes: Partial<Conv2dGeometry>): Conv2dGeometry {
  const geometry = {
    batch: 4,
    inputSize: [7, 6],
    inputChannels: 8,
    outputChannels: 12,
    kernelSize: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
    dilation: [1, 1],
    groups: 1,
    ...changes,
  } as const
  const { inputSize, kernelSize, stride, padding, dilation } = geometry
  const lengthOf = (side: 0 | 1) =>
    outputLength(inputSize[side], kernelSize[side], stride[side], padding[side], dilation[side])
  return { ...geometry, outputSize: [lengthOf(0), lengthOf(1)] }
}

async function convolutions(engine: Engine, geometry: Conv2dGeometry, variant: ProductVariant | undefined) {
  const { device } = engine
  const { batch, inputSize, outputSize, inputChannels, outputChannels, kernelSize, groups } = geometry
  const inputs = batch * inputSize[0] * inputSize[1] * inputChannels
  const outputs = batch * outputSize[0] * outputSize[1] * outputChannels
  const weights = (kernelSize[0] * kernelSize[1] * inputChannels * outputChannels) / groups
  const input = engine.tensor(testValues(inputs, 1)).buffer
  const weight = engine.tensor(testValues(weights, 2)).buffer
  const outputGradient = engine.tensor(testValues(outputs, 3)).buffer
  const results = {
    output: engine.full([outputs], 1e9),
    'input gradient': engine.full([inputs], 1e9),
    'weight gradient': engine.full([weights], 1e9),
  }
  const method = { product: variant }
  conv2dForward(device, { input, weight, output: results.output.buffer }, geometry, method)
  const inputGradient = results['input gradient'].buffer
  conv2dInputGradient(device, { outputGradient, weight, inputGradient }, geometry, method)
  const weightGradient = results['weight gradient'].buffer
  conv2dWeightGradient(device, { input, outputGradient, weightGradient }, geometry, method)
  return Promise.all(Object.entries(results).map(async ([name, tensor]) => ({ name, values: await tensor.toArray() })))
}

describe.each(productVariants)('%s', (variant) => {
  test('products', async () => {
    for (const { engine } of [holder, tiny]) {
      if (productVariantsFor(engine.device).includes(variant)) await checkProducts(engine, variant)
    }
  })

  test.each(Object.entries(geometries))('convolution, %s', async (_name, changes) => {
    const geometry = geometryOf(changes)
    const expected = await convolutions(holder.engine, geometry, 'registers')
    for (const { engine } of [holder, tiny]) {
      if (!productVariantsFor(engine.device).includes(variant)) continue
      for (const [i, { name, values }] of (await convolutions(engine, geometry, variant)).entries()) {
        expectClose(values, expected[i]!.values, tolerance, `${variant}: ${name}`)
      }
    }
  })
})

test('what a device takes by itself', () => {
  const { device } = gpu.engine
  const chosen = (rows: number, columns: number, depth: number, batches = 1) =>
    defaultProductVariant(device, { rows, columns, depth, batches })
  expect(chosen(4096, 4096, 64)).toBe('shared-8x8')
  expect(chosen(512, 512, 512)).toBe('shared-4x4') // too few tiles, even with the depth in two
  expect(chosen(512, 512, 1024)).toBe('shared-8x8')
  expect(chosen(512, 512, 64, 36)).toBe('shared-8x8')
  expect(chosen(100000, 16, 64)).toBe('shared-4x4')
})

test('tiles keep to the limits of the device', () => {
  for (const { engine } of [gpu, tiny]) {
    const { device } = engine
    for (const variant of productVariantsFor(device)) {
      for (const columns of [1, 16, 17, 1000]) {
        const { template, rows, columns: width } = tilingOf(device, variant, columns)!
        const invocations = Number(template.tileWidth) * Number(template.tileHeight)
        expect(invocations).toBeLessThanOrEqual(device.limits.workgroupInvocations)
        if (!template.sharedMemory) continue
        expect(4 * Number(template.tileDepth) * (rows + width)).toBeLessThanOrEqual(device.limits.workgroupMemory)
      }
    }
  }
})
