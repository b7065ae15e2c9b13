import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { permute } from '../../src/autograd/ops/permute.js'
import { ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'
import { checkGradients } from '../support/op-suite.js'
import { permuted } from '../support/rearranged.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })
const tiled = useEngineWithGpuKernels()
const tinyTiled = useEngineWithGpuKernels({ requiredLimits: tinyLimits })

describe('permute', () => {
  test.each([
    { shape: [3, 4], dims: [1, 0] },
    { shape: [2, 3, 4, 5], dims: [0, 3, 1, 2] },
    { shape: [2, 3, 4, 5], dims: [3, 2, 1, 0] },
    { shape: [2, 3, 1, 2, 3, 2], dims: [5, 3, 1, 4, 2, 0] },
    { shape: [2, 3, 2, 2, 3, 2], dims: [5, 3, 1, 4, 2, 0] },
    { shape: [3, 20, 37], dims: [0, 2, 1] },
    { shape: [3, 3, 17, 40], dims: [3, 2, 0, 1] },
    { shape: [2, 3, 4, 5], dims: [-4, -1, 1, -2] },
  ])('$shape by $dims', async ({ shape, dims }) => {
    const values = testValues(shape.reduce((a, b) => a * b))
    const output = permute(holder.engine.tensor(values, shape), dims)
    const order = dims.map((dim) => (dim < 0 ? dim + shape.length : dim))
    expect(output.shape).toEqual(order.map((dim) => shape[dim]))
    expect(await output.toArray()).toEqual(permuted(values, shape, order))
  })

  test('any shape and order', async () => {
    const anyCase = fc
      .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 })
      .chain((shape) =>
        fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
      )
    await fc.assert(
      fc.asyncProperty(anyCase, async ([shape, dims]) => {
        const values = testValues(shape.reduce((a, b) => a * b))
        const output = permute(holder.engine.tensor(values, shape), dims)
        expect(await output.toArray()).toEqual(permuted(values, shape, dims))
      }),
      { numRuns: 40, seed: 7 },
    )
  })

  test.each([
    { shape: [17, 40], dims: [1, 0] },
    { shape: [16, 16], dims: [1, 0] },
    { shape: [3, 20, 37], dims: [0, 2, 1] },
    { shape: [2, 5, 7, 70], dims: [0, 3, 1, 2] },
    { shape: [3, 15, 70], dims: [0, 2, 1] },
    { shape: [3, 20, 37], dims: [2, 1, 0] },
  ])('$shape by $dims with the tiles of GPUs', async ({ shape, dims }) => {
    const values = testValues(shape.reduce((a, b) => a * b))
    for (const { engine } of [tiled, tinyTiled]) {
      const output = permute(engine.tensor(values, shape), dims)
      expect(await output.toArray()).toEqual(permuted(values, shape, dims))
    }
  })

  test.each([
    { shape: [150, 130], dims: [1, 0], what: 'a matrix' },
    { shape: [130, 10, 17], dims: [0, 2, 1], what: 'many matrices' },
    { shape: [40, 21, 25], dims: [2, 0, 1], what: 'all dimensions' },
  ])('$what larger than a binding', async ({ shape, dims }) => {
    const values = testValues(shape.reduce((a, b) => a * b))
    for (const { engine } of [tiny, tinyTiled]) {
      const output = permute(engine.tensor(values, shape), dims)
      expect(await output.toArray()).toEqual(permuted(values, shape, dims))
    }
  })

  test('gradients', async () => {
    await checkGradients(holder.engine, ({ input }) => permute(input!, [2, 0, 3, 1]), { input: [2, 3, 4, 5] })
  })

  test('keeps every bit of integers', async () => {
    const values = Uint32Array.of(0xffffffff, 0x7fc00001, 3, 4, 5, 6)
    const output = permute(holder.engine.tensor(values, [2, 3]), [1, 0])
    expect(await output.toArray()).toEqual(Uint32Array.of(0xffffffff, 4, 0x7fc00001, 5, 3, 6))
  })

  test('shares the memory when no element moves', () => {
    const input = holder.engine.zeros([1, 3, 1, 4])
    expect(permute(input, [1, 2, 0, 3]).buffer).toBe(input.buffer)
  })

  test.each([[[0, 1]], [[0, 1, 1]], [[0, 1, 3]], [[0, 1, 2, 2]], [[0, 1, 0.5]]])('refuses %j', (dims) => {
    expect(() => permute(holder.engine.zeros([2, 3, 4]), dims)).toThrow(ShapeError)
  })

  test('refuses 7 dimensions that move, and images of bytes', () => {
    const input = holder.engine.zeros([2, 2, 2, 2, 2, 2, 2])
    expect(() => permute(input, [6, 5, 4, 3, 2, 1, 0])).toThrow(/at most 6 dimensions/)
    const bytes = holder.engine.tensor(new Uint8Array(4), [2, 2])
    expect(() => permute(bytes, [1, 0])).toThrow(/f32, f16, i32 or u32, got Tensor\(u8/)
  })
})
