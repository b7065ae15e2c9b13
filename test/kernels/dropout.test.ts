import { describe, expect, test } from 'vitest'
import { dropout } from '../../src/autograd/ops/dropout.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients } from '../support/op-suite.js'
import { correlation, moments } from '../support/statistics.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

const size = 40_001 // three windows of a tiny device

describe('dropout', () => {
  test.each([0.1, 0.5, 0.9])('drops the fraction %f and keeps the expectation', async (p) => {
    const { engine } = holder
    engine.manualSeed(3)
    const values = await dropout(engine.ones([size]), { p }).toArray()
    const scale = Math.fround(1 / (1 - p))
    const kept = values.filter((value) => value !== 0)
    expect(new Set(kept)).toEqual(new Set([scale]))
    const standardError = Math.sqrt((p * (1 - p)) / size)
    expect(Math.abs(kept.length / size - (1 - p))).toBeLessThan(4 * standardError)
    expect(Math.abs(moments(values).mean - 1)).toBeLessThan(4 * standardError * scale)
  })

  test('drops the same elements of the gradient', async () => {
    const { engine } = holder
    const input = engine.tensor(testValues(size), undefined, { requiresGrad: true })
    const output = dropout(input, { p: 0.3 })
    const values = await output.toArray()
    output.backward({ gradient: engine.ones([size]) })
    const gradient = await input.grad!.toArray()
    const scale = Math.fround(1 / Math.fround(0.7))
    values.forEach((value, i) => {
      if (Math.abs(gradient[i]! - (value === 0 ? 0 : scale)) > 1e-6) expect.fail(`element ${i}: ${gradient[i]}`)
    })
  })

  test('gradients equal finite differences', async () => {
    const { engine } = holder
    await checkGradients(
      engine,
      ({ input }) => {
        engine.manualSeed(8) // the same elements in every evaluation
        return dropout(input!, { p: 0.4 })
      },
      { input: [7, 9] },
    )
  })

  test('the same seed drops the same elements, on any device', async () => {
    const results = []
    for (const engine of [holder.engine, holder.engine, tiny.engine]) {
      engine.manualSeed(5)
      const input = engine.tensor(testValues(size), undefined, { requiresGrad: true })
      const output = dropout(input)
      const values = await output.toArray()
      output.backward({ gradient: engine.ones([size]) })
      results.push([values, await input.grad!.toArray()])
    }
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  test('calls are independent of each other, and so are neighbours', async () => {
    const { engine } = holder
    const ones = engine.ones([size])
    const [first, second] = [await dropout(ones).toArray(), await dropout(ones).toArray()]
    engine.manualSeed(engine.random.state.seed + 1)
    const otherSeed = await dropout(ones).toArray()
    expect(Math.abs(correlation(first, second))).toBeLessThan(4 / Math.sqrt(size))
    expect(Math.abs(correlation(first, otherSeed))).toBeLessThan(4 / Math.sqrt(size))
    expect(Math.abs(correlation(first.slice(1), first.slice(0, -1)))).toBeLessThan(4 / Math.sqrt(size))
  })

  test('is the identity with p = 0 and in evaluation, and draws no numbers', () => {
    const { engine } = holder
    const input = engine.ones([4])
    const before = engine.random.state
    expect(dropout(input, { p: 0 })).toBe(input)
    expect(dropout(input, { training: false })).toBe(input)
    expect(engine.random.state).toEqual(before)
  })

  test('p = 1 gives zeros, forward and backward', async () => {
    const { engine } = holder
    const input = engine.tensor([1, 2, 3], [3], { requiresGrad: true })
    const output = dropout(input, { p: 1 })
    expect([...(await output.toArray())]).toEqual([0, 0, 0])
    output.backward({ gradient: engine.ones([3]) })
    expect([...(await input.grad!.toArray())]).toEqual([0, 0, 0])
  })

  test('keeps NaN where it keeps the element', async () => {
    const { engine } = holder
    const values = await dropout(engine.tensor(new Float32Array(100).fill(NaN)), { p: 0.2 }).toArray()
    expect(values.filter(Number.isNaN).length).toBeGreaterThan(60)
  })

  test('refuses other probabilities and types', () => {
    const { engine } = holder
    expect(() => dropout(engine.ones([2]), { p: 1.5 })).toThrow(OptionError)
    expect(() => dropout(engine.ones([2]), { p: -0.1 })).toThrow('dropout: p: expected a number from 0 to 1, got -0.1')
    expect(() => dropout(engine.ones([2]), { p: NaN })).toThrow(OptionError)
    expect(() => dropout(engine.tensor(new Int32Array(2)))).toThrow(ShapeError)
  })
})
