import { describe, expect, test } from 'vitest'
import type { Tensor } from '../../src/autograd/tensor.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { init } from '../../src/nn/index.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

/** Statistics of 40,000 values: their means are within 5 standard errors, about 0.025 deviations, of the expected ones. */
async function statistics(tensor: Tensor) {
  const values = [...(await tensor.toArray())]
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return { mean, deviation, largest }
}

const conv = () => holder.engine.empty([5, 5, 16, 100]) // fan in 400, fan out 2500
const linear = () => holder.engine.empty([100, 400])

describe('normal', () => {
  test.each([
    [
      'kaimingNormal, fan out, relu',
      () => init.kaimingNormal(conv(), { mode: 'fanOut', nonlinearity: 'relu' }),
      Math.sqrt(2 / 2500),
    ],
    ['kaimingNormal of a linear weight', () => init.kaimingNormal(linear()), Math.sqrt(2 / 400)],
    ['kaimingNormal, tanh', () => init.kaimingNormal(linear(), { nonlinearity: 'tanh' }), 5 / 3 / 20],
    ['normal', () => init.normal(linear(), { std: 0.01 }), 0.01],
  ])('%s', async (_name, make, expected) => {
    const { mean, deviation, largest } = await statistics(make())
    expect(Math.abs(mean) / expected).toBeLessThan(0.025)
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.025)
    expect(largest / expected).toBeGreaterThan(3)
  })

  test('with a mean', async () => {
    const { mean } = await statistics(init.normal(linear(), { mean: 5, std: 0.1 }))
    expect(Math.abs(mean - 5)).toBeLessThan(0.0025)
  })
})

describe('uniform', () => {
  test.each([
    ['kaimingUniform, a = sqrt(5)', () => init.kaimingUniform(conv(), { a: Math.sqrt(5) }), 1 / 20],
    ['kaimingUniform', () => init.kaimingUniform(linear()), Math.sqrt(6 / 400)],
    ['xavierUniform', () => init.xavierUniform(linear(), { gain: 2 }), 2 * Math.sqrt(6 / 500)],
  ])('%s', async (_name, make, bound) => {
    const { mean, deviation, largest } = await statistics(make())
    expect(Math.abs(mean) / bound).toBeLessThan(0.015)
    expect(Math.abs((deviation * Math.sqrt(3)) / bound - 1)).toBeLessThan(0.015)
    expect(largest).toBeLessThanOrEqual(bound * 1.000001)
    expect(largest).toBeGreaterThan(bound * 0.999)
  })
})

test('constant', async () => {
  expect(await init.constant(holder.engine.empty([3]), 4).toArray()).toEqual(Float32Array.of(4, 4, 4))
})

test('the same seed gives the same values, different calls do not', async () => {
  const { engine } = holder
  const draw = async () => [...(await init.normal(engine.empty([5])).toArray())]
  engine.manualSeed(3)
  const first = await draw()
  const second = await draw()
  engine.manualSeed(3)
  expect(await draw()).toEqual(first)
  expect(first).not.toEqual(second)
})

test('a parameter may be overwritten and stays one', () => {
  const { engine } = holder
  const parameter = engine.tensor([1], [1], { requiresGrad: true })
  expect(init.constant(parameter, 2)).toBe(parameter)
  expect(parameter.requiresGrad).toBe(true)
})

test('errors', () => {
  const { engine } = holder
  expect(() => init.kaimingNormal(engine.empty([3]))).toThrow(ShapeError)
  expect(() => init.kaimingNormal(linear(), { mode: 'fan' as never })).toThrow(OptionError)
  expect(() => init.kaimingNormal(linear(), { nonlinearity: 'gelu' as never })).toThrow(OptionError)
  expect(() => init.normal(engine.empty([3], 'i32'))).toThrow(ShapeError)
})
