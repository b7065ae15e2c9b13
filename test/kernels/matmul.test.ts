import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { matmul, type MatmulOptions } from '../../src/autograd/ops/matmul.js'
import { ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels, useEngineWithoutSubgroups } from '../support/gpu-kernels.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const gpuKernels = useEngineWithGpuKernels()
const engines = {
  'the default device': holder,
  'kernels for GPUs': gpuKernels,
  'without subgroups': useEngineWithoutSubgroups(),
  'tiny limits': useEngine({ requiredLimits: tinyLimits }),
  'kernels for GPUs, tiny limits': useEngineWithGpuKernels({
    requiredLimits: { ...tinyLimits, maxComputeWorkgroupStorageSize: 1024 },
  }),
}

// A result is a sum of up to 1025 products, added one after the other: the error is at most 1025 * 2^-24 = 6e-5 of the
// sum of magnitudes; as errors of both signs cancel, a tenth of that is generous.
const tolerance = 5e-6

/** A product in double precision; the matrices are stored as for `matmul`. */
function reference(
  a: Float32Array,
  b: Float32Array,
  shape: Shape,
  { transposeA, transposeB }: MatmulOptions,
): Float64Array {
  const { batchA = 1, batchB = 1, rows, depth, columns } = shape
  const batches = Math.max(batchA, batchB)
  const output = new Float64Array(batches * rows * columns)
  for (let batch = 0; batch < batches; batch++) {
    const startA = batchA === 1 ? 0 : batch * rows * depth
    const startB = batchB === 1 ? 0 : batch * depth * columns
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0
        for (let k = 0; k < depth; k++) {
          sum +=
            a[startA + (transposeA ? k * rows + i : i * depth + k)]! *
            b[startB + (transposeB ? j * depth + k : k * columns + j)]!
        }
        output[(batch * rows + i) * columns + j] = sum
      }
    }
  }
  return output
}

interface Shape {
  batchA?: number
  batchB?: number
  rows: number
  depth: number
  columns: number
}

async function expectProduct(engine: Engine, shape: Shape, options: MatmulOptions = {}): Promise<void> {
  const { batchA, batchB, rows, depth, columns } = shape
  const { transposeA, transposeB } = options
  const shapeA = [...(batchA ? [batchA] : []), ...(transposeA ? [depth, rows] : [rows, depth])]
  const shapeB = [...(batchB ? [batchB] : []), ...(transposeB ? [columns, depth] : [depth, columns])]
  const a = testValues((batchA ?? 1) * rows * depth, 1)
  const b = testValues((batchB ?? 1) * depth * columns, 2)
  const output = matmul(engine.tensor(a, shapeA), engine.tensor(b, shapeB), options)
  const what = JSON.stringify({ ...shape, ...options })
  expectClose(await output.toArray(), reference(a, b, shape, options), tolerance, what)
}

const transpositions: MatmulOptions[] = [
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: true },
]

describe.each(Object.entries({ 'the default device': holder, 'kernels for GPUs': gpuKernels }))(
  '%s',
  (_name, device) => {
    goldenSuite(device, 'matmul', { run: ({ a, b }, options) => matmul(a!, b!, options), tolerance })

    test.each(transpositions)('gradients equal finite differences: %o', async (options) => {
      const shapes = { a: options.transposeA ? [5, 3] : [3, 5], b: options.transposeB ? [4, 5] : [5, 4] }
      await checkGradients(device.engine, ({ a, b }) => matmul(a!, b!, options), shapes)
    })

    test('the gradient of a factor that serves a whole batch is a sum', async () => {
      const run = ({ a, b }: Parameters<Parameters<typeof checkGradients>[1]>[0]) => matmul(a!, b!)
      await checkGradients(device.engine, run, { a: [3, 2], b: [4, 2, 5] })
      await checkGradients(device.engine, run, { a: [4, 3, 2], b: [1, 2, 5] })
      await checkGradients(device.engine, run, { a: [1, 3, 2], b: [2, 5] })
    })
  },
)

describe.each(Object.entries(engines))('%s', (_name, device) => {
  test('any shape', async () => {
    const length = fc.integer({ min: 1, max: 70 })
    const shape = fc
      .record({ rows: length, depth: length, columns: length, batch: fc.integer({ min: 1, max: 3 }) })
      .chain(({ batch, ...lengths }) =>
        fc.constantFrom<Shape>(
          lengths,
          { ...lengths, batchA: batch, batchB: batch },
          { ...lengths, batchA: 1, batchB: batch },
          { ...lengths, batchA: batch },
        ),
      )
    await fc.assert(
      fc.asyncProperty(shape, fc.constantFrom(...transpositions), (shape, options) =>
        expectProduct(device.engine, shape, options),
      ),
      { numRuns: 30, seed: 1 },
    )
  })

  test('a long depth is split among workgroups and combined', async () => {
    await expectProduct(device.engine, { rows: 3, depth: 5000, columns: 5 })
    await expectProduct(device.engine, { rows: 17, depth: 1031, columns: 9, batchA: 2, batchB: 2 })
  })
})

describe('operands larger than a binding of 64 KiB', () => {
  const devices = Object.entries(engines).filter(([name]) => name.includes('tiny'))
  describe.each(devices)('%s', (_name, device) => {
    test.each(transpositions)('every operand: %o', async (options) => {
      await expectProduct(device.engine, { rows: 131, depth: 151, columns: 143 }, options)
    })

    test.each(transpositions)('one operand: %o', async (options) => {
      await expectProduct(device.engine, { rows: 143, depth: 3, columns: 131 }, options)
      await expectProduct(device.engine, { rows: 3, depth: 131, columns: 143 }, options)
      await expectProduct(device.engine, { rows: 143, depth: 131, columns: 3 }, options)
    })

    test('a batch', async () => {
      await expectProduct(device.engine, { rows: 33, depth: 35, columns: 31, batchA: 40, batchB: 40 })
      await expectProduct(device.engine, { rows: 33, depth: 35, columns: 31, batchA: 40 })
      await expectProduct(device.engine, { rows: 131, depth: 143, columns: 7, batchA: 2, batchB: 2 })
    })
  })

  test('windows along rows, columns and batches do not change a bit', async () => {
    const a = testValues(20 * 30 * 60, 3)
    const b = testValues(20 * 60 * 40, 4)
    const [whole, windows] = await Promise.all(
      [holder, engines['tiny limits']].map(({ engine }) =>
        matmul(engine.tensor(a, [20, 30, 60]), engine.tensor(b, [20, 60, 40])).toArray(),
      ),
    )
    expect(windows).toEqual(whole)
  })
})

test('two runs give equal bits', async () => {
  const { engine } = holder
  const run = () =>
    matmul(engine.tensor(testValues(7 * 3000), [7, 3000]), engine.tensor(testValues(3000 * 9), [3000, 9])).toArray()
  expect(await run()).toEqual(await run())
})

test('shapes that do not fit', () => {
  const { engine } = holder
  const zeros = (...shape: number[]) => engine.zeros(shape)
  expect(() => matmul(zeros(2, 3), zeros(2, 3))).toThrow(ShapeError)
  expect(() => matmul(zeros(2, 3), zeros(2, 3))).toThrow(/3 rows in b.*got 2/)
  expect(() => matmul(zeros(2, 3), zeros(3, 2), { transposeA: true })).toThrow(ShapeError)
  expect(() => matmul(zeros(3), zeros(3, 2))).toThrow(/a with 2 or 3 dimensions, got \[3\]/)
  expect(() => matmul(zeros(2, 3), zeros(1, 1, 3, 2))).toThrow(ShapeError)
  expect(() => matmul(zeros(2, 2, 3), zeros(3, 3, 2))).toThrow(/equal batches/)
  expect(() => matmul(zeros(2, 3), engine.tensor(new Int32Array(6), [3, 2]))).toThrow(/b of type f32/)
})
