import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { argmax, max, mean, type ReduceOptions, sum, sumTo } from '../../src/autograd/ops/reduce.js'
import { sizeOf } from '../../src/autograd/shape.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { ShapeError } from '../../src/device/errors.js'
import { expectClose, largestMagnitude, sumOfMagnitudes, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'
import type { GoldenCase } from '../support/golden.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const gpuKernels = useEngineWithGpuKernels()
const tiny = useEngine({ requiredLimits: tinyLimits })
const tinyGpuKernels = useEngineWithGpuKernels({ requiredLimits: tinyLimits })

const optionsOf = ({ dim, keepdim }: Readonly<Record<string, unknown>>) => ({
  dim: (dim ?? undefined) as number | undefined,
  keepdim: keepdim as boolean,
})

/**
 * The rounding error of a sum is relative to the sum of its terms' magnitudes, and the terms have either sign. With runs of
 * 32 and trees above them it is a few units of the last place (2^-24 each). Gradients are copies, scaled in a mean.
 */
const roundingOfSums = (scale: (size: number, outputs: number) => number) => (golden: GoldenCase, tensor: string) => {
  if (tensor !== 'output') return 2e-7
  const [input, output] = [golden.tensor('input').data, golden.tensor('output').data]
  const magnitude = (sumOfMagnitudes(input) / output.length) * scale(input.length, output.length)
  return (4e-7 * magnitude) / largestMagnitude(output)
}

describe.each([
  ['the default device', holder],
  ['kernels for GPUs', gpuKernels],
])('%s', (_name, device) => {
  goldenSuite(device, 'sum', {
    run: ({ input }, attributes) => sum(input!, optionsOf(attributes)),
    tolerance: roundingOfSums(() => 1),
  })
  goldenSuite(device, 'mean', {
    run: ({ input }, attributes) => mean(input!, optionsOf(attributes)),
    tolerance: roundingOfSums((size, outputs) => outputs / size),
  })
  // values are picked, nothing is rounded
  goldenSuite(device, 'max', { run: ({ input }, attributes) => max(input!, optionsOf(attributes)), tolerance: 0 })
  goldenSuite(device, 'argmax', { run: ({ input }, attributes) => argmax(input!, optionsOf(attributes)), tolerance: 0 })
})

describe.each([
  ['sum', sum],
  ['mean', mean],
  ['max', max],
])('%s', (name, run: (input: Tensor, options?: ReduceOptions) => Tensor) => {
  test.each([[undefined], [1], [[0, 2]], [[0, 1]]] as const)(
    'gradients equal finite differences: dim %j',
    async (dim) => {
      // distinct values, further apart than the differences, so that the maximum stays where it is
      const input = testValues(60).map((_value, i) => ((i * 37) % 60) / 10)
      await checkGradients(
        holder.engine,
        ({ input }) => run(input!, { dim }),
        { input: [3, 4, 5] },
        { values: { input } },
      )
    },
  )

  test('refuses wrong dimensions and types', () => {
    const { engine } = holder
    const input = engine.zeros([2, 3])
    expect(() => run(input, { dim: 2 })).toThrow(ShapeError)
    expect(() => run(input, { dim: 2 })).toThrow(`${name}: expected a dimension from -2 to 1, got 2`)
    expect(() => run(input, { dim: [0, -2] })).toThrow(
      `${name}: expected one or more different dimensions, got [0, -2]`,
    )
    expect(() => run(input, { dim: [] })).toThrow(ShapeError)
    expect(() => run(engine.tensor(new Int32Array(2)))).toThrow(
      `${name}: expected input of type f32, got Tensor(i32[2])`,
    )
  })

  test('NaN comes through', async () => {
    const values = testValues(700)
    values[333] = NaN
    const input = holder.engine.tensor(values, [7, 100])
    expect(await run(input).item()).toBeNaN()
    const rows = [...(await run(input, { dim: 1 }).toArray())]
    expect(rows.map(Number.isNaN)).toEqual([false, false, false, true, false, false, false])
  })

  test('a scalar and dimensions of length 1', async () => {
    const { engine } = holder
    expect(await run(engine.tensor([3], [])).item()).toBe(3)
    const output = run(engine.tensor([3, 4], [1, 2, 1]), { dim: [0, 2] })
    expect(output.shape).toEqual([2])
    expect([...(await output.toArray())]).toEqual([3, 4])
  })

  test('twice the same bits', async () => {
    const input = holder.engine.tensor(testValues(100_000), [10, 10_000])
    const [first, second] = [run(input, { dim: 1 }), run(input, { dim: 1 })]
    expect(await first.toArray()).toEqual(await second.toArray())
  })
})

/** Shapes as [outer, extent, inner] that take each kind of workgroup, one pass or several, and one window or several. */
const layouts = [
  [1, 70_000, 1],
  [1, 20_000, 2],
  [1, 3000, 40],
  [3000, 20, 1],
  [40, 1000, 3],
  [5, 300, 50],
  [20_000, 3, 1],
  [100, 7, 70],
]

describe.each(layouts)('[%i, %i, %i] over the middle', (outer, extent, inner) => {
  const values = testValues(outer * extent * inner)
  const shape = [outer, extent, inner]

  test.each([
    ['all at once', holder],
    ['on a tiny device', tiny],
    ['with kernels for GPUs', gpuKernels],
    ['with kernels for GPUs on a tiny device', tinyGpuKernels],
  ])('%s', async (_name, { engine }) => {
    const input = engine.tensor(values, shape, { requiresGrad: true })
    const total = sum(input, { dim: 1 })
    const [totals, tops, positions] = [new Float64Array(outer * inner), [] as number[], [] as number[]]
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let best = 0
        for (let r = 0; r < extent; r++) {
          totals[o * inner + i]! += values[(o * extent + r) * inner + i]!
          if (values[(o * extent + r) * inner + i]! > values[(o * extent + best) * inner + i]!) best = r
        }
        tops.push(values[(o * extent + best) * inner + i]!)
        positions.push(best)
      }
    }
    const magnitude = sumOfMagnitudes(values) / totals.length
    expectClose(await total.toArray(), totals, (4e-7 * magnitude) / largestMagnitude(totals), 'sum')
    const top = max(input, { dim: 1 })
    expect([...(await top.toArray())]).toEqual(tops)
    expect([...(await argmax(input, { dim: 1 }).toArray())]).toEqual(positions)

    const upstream = testValues(outer * inner, 9)
    total.backward({ gradient: engine.tensor(upstream, [outer, inner]) })
    const expanded = values.map((_value, at) => upstream[Math.floor(at / (extent * inner)) * inner + (at % inner)]!)
    expect(await input.grad!.toArray()).toEqual(expanded)
    input.grad = undefined
    top.backward({ gradient: engine.tensor(upstream, [outer, inner]) })
    const placed = expanded.map((value, at) => {
      const reduced = Math.floor(at / (extent * inner)) * inner + (at % inner)
      return Math.floor(at / inner) % extent === positions[reduced] ? value : 0
    })
    expect(await input.grad!.toArray()).toEqual(placed)
  })
})

test('sums are accurate: a million times 0.1', async () => {
  const total = await sum(holder.engine.full([1000, 1000], 0.1)).item()
  const exact = 1e6 * Math.fround(0.1)
  expect(Math.abs(total - exact) / exact).toBeLessThan(2e-6) // one after the other it would be off by 1e-2
})

describe('max and argmax', () => {
  test('special values are ordered', async () => {
    const rows = [
      [-Infinity, -3e38, -Infinity],
      [-1e-40, -0, 0],
      [Infinity, NaN, NaN],
      [1e-40, 2e-40, 0],
      [-NaN, 1, 2],
    ]
    const input = holder.engine.tensor(rows.flat(), [5, 3])
    expect([...(await argmax(input, { dim: 1 }).toArray())]).toEqual([1, 1, 1, 1, 0])
  })

  test('the gradient goes to the first of equal maxima', async () => {
    const { engine } = holder
    const input = engine.tensor([1, 7, 7, 7, 0, 7, 7, 2], [2, 2, 2], { requiresGrad: true })
    max(input, { dim: [0, 2] }).backward({ gradient: engine.tensor([10, 20]) })
    expect([...(await input.grad!.toArray())]).toEqual([0, 10, 20, 0, 0, 0, 0, 0])
  })

  test('argmax has no gradient', () => {
    const input = holder.engine.tensor([1, 2], [2], { requiresGrad: true })
    expect(argmax(input).requiresGrad).toBe(false)
    expect(() => argmax(holder.engine.tensor(new Int32Array(2)))).toThrow(ShapeError)
  })
})

describe('sumTo', () => {
  test('undoes any broadcast', async () => {
    const dimension = fc.record({ length: fc.integer({ min: 1, max: 4 }), repeated: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(dimension, { maxLength: 5 }), fc.nat(2), async (dims, missing) => {
        const { engine } = holder
        const shape = dims.map(({ length }) => length)
        const target = dims.map(({ length, repeated }) => (repeated ? 1 : length)).slice(missing)
        const result = sumTo(engine.ones(shape), target)
        expect(result.shape).toEqual(target)
        expect([...(await result.toArray())]).toEqual(Array(sizeOf(target)).fill(sizeOf(shape) / sizeOf(target)))
      }),
      { numRuns: 40, seed: 1 },
    )
  })

  test('gradients equal finite differences', async () => {
    await checkGradients(holder.engine, ({ input }) => sumTo(input!, [3, 1, 2]), { input: [2, 3, 4, 2] })
    await checkGradients(holder.engine, ({ input }) => sumTo(input!, [4]), { input: [1, 1, 4] })
  })

  test('refuses a shape that does not broadcast', () => {
    const input = holder.engine.zeros([2, 3])
    expect(() => sumTo(input, [2])).toThrow('sumTo: expected a shape that broadcasts to [2, 3], got [2]')
    expect(() => sumTo(input, [1, 2, 3])).toThrow(ShapeError)
  })
})
