/** The families that are tuned: what their problems are called, which methods they have, and that all compute the same. */
import { describe, expect, test } from 'vitest'
import { linear, matmul } from '../../src/autograd/ops/index.js'
import { conv2d } from '../../src/autograd/ops/conv2d.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import type { Conv2dGeometry } from '../../src/kernels/conv2d/geometry.js'
import { adapterClass } from '../../src/tuning/adapter-class.js'
import { conv2dTunable } from '../../src/tuning/conv2d.js'
import { type MatmulProblem, matmulTunable } from '../../src/tuning/matmul.js'
import { tunedFamilies } from '../../src/tuning/tunables.js'
import { methodName, problemName } from '../../src/tuning/tunable.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'
import { describedDevice } from '../support/tuning.js'

const geometry: Conv2dGeometry = {
  batch: 8,
  inputSize: [56, 56],
  inputChannels: 64,
  outputSize: [56, 56],
  outputChannels: 64,
  kernelSize: [3, 3],
  stride: [1, 1],
  padding: [1, 1],
  dilation: [1, 1],
  groups: 1,
}

const product: MatmulProblem = {
  batches: 1,
  rows: 64,
  columns: 10,
  depth: 2048,
  transposeLeft: false,
  transposeRight: false,
  sharedLeft: false,
  sharedRight: false,
  halves: [],
}

describe('problems are called', () => {
  test('by all that matters to their speed, and nothing else', () => {
    const called = (changes: Partial<Conv2dGeometry>, keepPacked = false, half = false) =>
      conv2dTunable.shape({ operation: 'forward', geometry: { ...geometry, ...changes }, half, keepPacked })
    expect(called({})).toBe('forward 56x56x64 -> 56x56x64, kernel 3x3, padding 1x1')
    expect(called({ padding: [0, 0], stride: [2, 1], dilation: [1, 2], groups: 4 }, true)).toBe(
      'forward 56x56x64 -> 56x56x64, kernel 3x3, stride 2x1, dilation 1x2, groups 4, packed',
    )
    expect(called({ batch: 9 })).toBe(called({}))
    expect(called({}, true, true)).toBe('forward 56x56x64 -> 56x56x64, kernel 3x3, padding 1x1, f16, packed')
    expect(conv2dTunable.batch({ operation: 'forward', geometry, half: false, keepPacked: false })).toBe(8)

    const named = (changes: Partial<MatmulProblem>) => matmulTunable.shape({ ...product, ...changes })
    expect(named({})).toBe('[64x2048] * [2048x10]')
    expect(named({ transposeLeft: true, transposeRight: true })).toBe('[2048x64]^T * [10x2048]^T')
    expect(named({ halves: ['left', 'right'] })).toBe('[64x2048] * [2048x10], f16 left and right')
    expect(named({ batches: 12, sharedRight: true })).toBe('each [64x2048] * [2048x10]')
    expect(matmulTunable.batch({ ...product, batches: 12 })).toBe(12)
  })
})

describe('estimates', () => {
  const best = (adapter: Parameters<typeof describedDevice>[0], sizes: Partial<MatmulProblem> = {}) =>
    methodName(
      matmulTunable.candidates(describedDevice(adapter), { ...product, rows: 4096, columns: 4096, ...sizes })[0]!
        .method,
    )

  test('know what suits a class of adapters', () => {
    expect(best({ vendor: 'amd' })).toBe('shared-8x8')
    expect(best({ vendor: 'intel' })).toBe('shared-4x4') // where eight times eight results are spilled
    expect(best({ vendor: 'nvidia' }, { rows: 512, columns: 512, depth: 512 })).toBe('shared-4x4') // too few tiles
    expect(best({ kind: 'software', name: 'llvmpipe (LLVM 15)', subgroupSize: 8 })).toBe('subgroups')
    expect(best({ kind: 'software', name: 'something' })).toBe('registers')
  })

  test('come sorted, the usual method first, without what the device cannot run', () => {
    for (const limits of [{}, { workgroupMemory: 2048 }]) {
      const device = describedDevice({}, limits)
      for (const operation of ['forward', 'input-gradient', 'weight-gradient'] as const) {
        const candidates = conv2dTunable.candidates(device, { operation, geometry, half: false, keepPacked: false })
        const costs = candidates.map(({ cost }) => cost)
        expect(costs).toEqual([...costs].sort((a, b) => a - b))
        expect(costs.every((cost) => cost > 0 && cost < Infinity)).toBe(true)
        const names = candidates.map(({ method }) => methodName(method))
        expect(new Set(names).size).toBe(names.length)
        expect(names).toContain('direct registers')
        expect(names.includes('winograd-4 shared-8x8')).toBe(!('workgroupMemory' in limits))
        expect(names).not.toContain('direct subgroups')
      }
    }
  })

  test('the classes', () => {
    const classOf = (vendor: string, kind: 'gpu' | 'software' = 'gpu', name = '') =>
      adapterClass({ vendor, kind, name })
    expect(['amd', 'NVIDIA', 'intel', 'apple', 'qualcomm'].map((vendor) => classOf(vendor))).toEqual([
      'amd',
      'nvidia',
      'intel',
      'apple',
      'gpu',
    ])
    expect(classOf('mesa', 'software', 'llvmpipe (LLVM 15.0.6, 256 bits)')).toBe('lavapipe')
    expect(classOf('google', 'software', 'SwiftShader Device (LLVM 16.0.0)')).toBe('swiftshader')
    expect(classOf('microsoft', 'software', 'Basic Render Driver')).toBe('software')
  })
})

test('the code of a family changes with its kernels and its tiles', () => {
  const [narrow, wide] = [describedDevice({}, { workgroupInvocations: 64 }), describedDevice()]
  for (const tuned of tunedFamilies) {
    expect(tuned.code(wide)).toContain('fn main(')
    expect(tuned.code(wide)).toBe(tuned.code(describedDevice()))
    expect(tuned.code(wide)).not.toBe(tuned.code(narrow))
  }
  expect(conv2dTunable.code(wide)).toContain(matmulTunable.code(wide))
  expect(conv2dTunable.code(wide)).toContain('conv2d/winograd/input')
})

/** Sums of up to 288 products below 1, and the transforms of F(4x4, 3x3): see conv2d-variants.test.ts. */
const tolerance = 4e-5

const holders = { 'the default device': useEngine(), 'kernels for GPUs': useEngineWithGpuKernels() }

describe.each(Object.entries(holders))('%s: whatever is chosen', (_name, holder) => {
  const sizeOf = (shape: number[]) => shape.reduce((a, b) => a * b)
  const tensorsOf = (shapes: Record<string, number[]>) =>
    Object.values(shapes).map((shape, i) =>
      holder.engine.tensor(testValues(sizeOf(shape), i + 1), shape, { requiresGrad: true }),
    )

  /** Results and gradients of an operation with each method that one of its problems has. */
  async function resultsByMethod(shapes: Record<string, number[]>, operation: (...inputs: Tensor[]) => Tensor) {
    const { engine } = holder
    const run = async () => {
      const inputs = tensorsOf(shapes)
      const output = operation(...inputs)
      const gradient = engine.tensor(testValues(output.size, 9), output.shape)
      output.backward({ gradient, retainGraph: true })
      return Promise.all([output, ...inputs.map(({ grad }) => grad!)].map((tensor) => tensor.toArray()))
    }
    const problems = engine.tuner.problemsOf(() => {
      const inputs = tensorsOf(shapes)
      const output = operation(...inputs)
      output.backward({ gradient: engine.ones(output.shape) })
    })
    const names = problems.flatMap((problem) =>
      engine.tuner.candidates(problem).map(({ method }) => [methodName(method), method] as const),
    )
    const results = new Map<string, ArrayLike<number>[]>()
    for (const [name, wanted] of new Map(names)) {
      engine.tuner.restrict((method) => methodName(method) === name)
      expect(engine.tuner.choice(problems[0]!).method, problemName(problems[0]!)).toEqual(wanted)
      results.set(name, await run())
    }
    engine.tuner.restrict(() => true)
    return results
  }

  test.each<[string, Record<string, number[]>, (...inputs: Tensor[]) => Tensor, number]>([
    ['conv2d', { x: [2, 9, 9, 8], w: [3, 3, 8, 12] }, (x, w) => conv2d(x, w, undefined, { padding: 1 }), 6],
    ['a pointwise conv2d', { x: [2, 9, 9, 8], w: [1, 1, 8, 12] }, (x, w) => conv2d(x, w), 2],
    ['linear', { x: [5, 36], w: [7, 36] }, (x, w) => linear(x, w), 2],
    ['matmul', { a: [3, 5, 36], b: [36, 7] }, (a, b) => matmul(a, b), 2],
  ])('%s gives the same', async (_operation, shapes, operation, fewest) => {
    const results = await resultsByMethod(shapes, operation)
    const [expected, ...others] = [...results]
    expect(others.length + 1).toBeGreaterThanOrEqual(fewest)
    for (const [name, values] of others) {
      values.forEach((actual, i) => {
        expectClose(actual, expected![1][i]!, tolerance, `${name} and ${expected![0]}, result ${i}`)
      })
    }
  })
})
