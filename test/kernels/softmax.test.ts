import { describe, expect, test } from 'vitest'
import { logSoftmax, softmax } from '../../src/autograd/ops/softmax.js'
import { sizeOf } from '../../src/autograd/shape.js'
import { ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

goldenSuite(holder, 'logSoftmax', {
  run: ({ input }, { dim }) => logSoftmax(input!, { dim: dim as number }),
  // exp and log have a few units in the last place; differences of logits near 10,000 are exact to 5e-4
  tolerance: (golden) => (golden.name === 'all near 10000' ? 1e-4 : 2e-6),
})

/** The output and the gradient by their formulas; `share` is the element's part of its line's sum of exponentials. */
const operations = {
  softmax: {
    run: softmax,
    compute: (x: number, sum: number) => Math.exp(x) / sum,
    weight: (share: number) => share,
    slope: (share: number, upstream: number, gradientSum: number) => share * (upstream - gradientSum),
  },
  logSoftmax: {
    run: logSoftmax,
    compute: (x: number, sum: number) => x - Math.log(sum),
    weight: () => 1,
    slope: (share: number, upstream: number, gradientSum: number) => upstream - share * gradientSum,
  },
}

describe.each(Object.entries(operations))('%s', (name, { run, compute, weight, slope }) => {
  test.each([
    [[3, 5], -1],
    [[2, 70], 1],
    [[4, 3, 2], 0],
    [[2, 40, 3], 1],
  ])('gradients equal finite differences: %j along %i', async (shape, dim) => {
    await checkGradients(holder.engine, ({ input }) => run(input!, { dim }), { input: shape })
  })

  test.each([
    [[200, 130], 1],
    [[64, 300], 1],
    [[30_000, 2], 1],
    [[40, 50, 9], 1],
    [[40, 2, 600], 1],
  ])('any device, compared with a loop: %j along %i', async (shape, dim) => {
    const values = testValues(sizeOf(shape)).map((value) => value * 5)
    const extent = shape[dim]!
    const inner = sizeOf(shape.slice(dim + 1))
    const upstream = testValues(values.length, 2)
    const expected = new Float64Array(values.length)
    const expectedGradient = new Float64Array(values.length)
    for (let start = 0; start < values.length; start++) {
      if (Math.floor(start / inner) % extent !== 0) continue
      const line = Array.from({ length: extent }, (_, r) => start + r * inner)
      const sum = line.reduce((total, i) => total + Math.exp(values[i]!), 0)
      const share = (i: number) => Math.exp(values[i]!) / sum
      const gradientSum = line.reduce((total, i) => total + upstream[i]! * weight(share(i)), 0)
      for (const i of line) {
        expected[i] = compute(values[i]!, sum)
        expectedGradient[i] = slope(share(i), upstream[i]!, gradientSum)
      }
    }
    for (const { engine } of [holder, tiny]) {
      const input = engine.tensor(values, shape, { requiresGrad: true })
      const output = run(input, { dim })
      expectClose(await output.toArray(), expected, 2e-6, 'output')
      output.backward({ gradient: engine.tensor(upstream, shape) })
      expectClose(await input.grad!.toArray(), expectedGradient, 2e-6, 'gradient')
    }
  })

  test('a line with NaN or infinity becomes NaN, others do not', async () => {
    const { engine } = holder
    const input = engine.tensor([1, NaN, 3, 1, 2, 3, Infinity, 0, 0, -Infinity, 0, 0], [4, 3])
    const output = [...(await run(input).toArray())]
    expect(output.slice(0, 3)).toEqual([NaN, NaN, NaN])
    expect(output.slice(3, 6).every(Number.isFinite)).toBe(true)
    expect(output[6]).toBeNaN()
    const half = { softmax: 0.5, logSoftmax: Math.log(0.5) }[name]!
    const none = { softmax: 0, logSoftmax: -Infinity }[name]!
    expect(output[9]).toBe(none)
    expect(output[10]).toBeCloseTo(half, 6)
    expect(output[11]).toBeCloseTo(half, 6)
  })

  test('refuses a dimension that is not there, and integers', () => {
    const { engine } = holder
    expect(() => run(engine.zeros([2, 3]), { dim: 2 })).toThrow(ShapeError)
    expect(() => run(engine.zeros([2, 3]), { dim: 2 })).toThrow(`${name}: expected a dimension from -2 to 1, got 2`)
    expect(() => run(engine.tensor(new Int32Array(3)))).toThrow(`${name}: expected input of type f32`)
  })
})
