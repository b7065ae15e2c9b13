import { afterEach, describe, expect, test } from 'vitest'
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { DataError, OptionError, ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

goldenSuite(holder, 'crossEntropy', {
  run: ({ input, target }, attributes) => crossEntropy(input!, target!, attributes),
  // exp and log have a few units in the last place; losses are sums over up to 257 rows
  tolerance: 2e-6,
})

const labels = (rows: number, classes: number) => Int32Array.from({ length: rows }, (_, i) => (i * 7) % classes)

describe('crossEntropy', () => {
  test.each([
    [{}, [5, 4]],
    [{ labelSmoothing: 0.2 }, [5, 40]],
    [{ reduction: 'sum', ignoreIndex: 0 }, [6, 3]],
    [{ reduction: 'none', labelSmoothing: 0.1, ignoreIndex: 2 }, [6, 3]],
  ] as const)('gradients equal finite differences: %j', async (options, [rows, classes]) => {
    const { engine } = holder
    const target = engine.tensor(labels(rows, classes))
    await checkGradients(engine, ({ input }) => crossEntropy(input!, target, options), { input: [rows, classes] })
  })

  test.each([
    ['many rows', 20_000, 3],
    ['many classes', 200, 250],
  ])('any device: %s', async (_name, rows, classes) => {
    const logits = testValues(rows * classes)
    const target = labels(rows, classes).map((label, i) => (i % 5 === 0 ? -100 : label))
    const [whole, windows] = await Promise.all(
      [holder, tiny].map(async ({ engine }) => {
        const input = engine.tensor(logits, [rows, classes], { requiresGrad: true })
        const loss = crossEntropy(input, engine.tensor(target), { labelSmoothing: 0.1 })
        const value = await loss.item()
        loss.backward()
        return { value, gradient: await input.grad!.toArray() }
      }),
    )
    expect(Math.abs(windows!.value - whole!.value)).toBeLessThan(1e-6 * whole!.value)
    expectClose(windows!.gradient, whole!.gradient, 1e-6, 'gradient')
  })

  test('without any row that counts the mean is NaN and the gradient 0, as in PyTorch', async () => {
    const { engine } = holder
    for (const labelSmoothing of [0, 0.1]) {
      const input = engine.tensor(testValues(6), [2, 3], { requiresGrad: true })
      const loss = crossEntropy(input, engine.tensor(Int32Array.of(-100, -100)), { labelSmoothing })
      expect(await loss.item()).toBeNaN()
      loss.backward()
      expect([...(await input.grad!.toArray())]).toEqual([0, 0, 0, 0, 0, 0])
    }
  })

  test('NaN and infinite logits give a NaN loss, except in ignored rows', async () => {
    const { engine } = holder
    const input = engine.tensor([NaN, 0, Infinity, 0, NaN, 0, 0, 0], [4, 2])
    const losses = await crossEntropy(input, engine.tensor(Int32Array.of(0, 1, -100, 1)), {
      reduction: 'none',
    }).toArray()
    expect(losses[0]).toBeNaN()
    expect(losses[1]).toBeNaN()
    expect(losses[2]).toBe(0)
    expect(losses[3]).toBeCloseTo(Math.log(2), 6)
  })

  test('an impossible class costs nothing where it is not the target', async () => {
    const { engine } = holder
    const input = engine.tensor([-Infinity, 1, 1], [1, 3])
    expect(await crossEntropy(input, engine.tensor(Int32Array.of(1))).item()).toBeCloseTo(Math.log(2), 6)
    expect(await crossEntropy(input, engine.tensor(Int32Array.of(0))).item()).toBe(Infinity)
  })

  test('twice the same bits', async () => {
    const { engine } = holder
    const input = engine.tensor(testValues(300 * 70), [300, 70])
    const target = engine.tensor(labels(300, 70))
    const [first, second] = [crossEntropy(input, target), crossEntropy(input, target)]
    expect(await first.item()).toBe(await second.item())
  })
})

describe('a label that is no class is an error at the next read-back', () => {
  afterEach(async () => {
    // the fault was reported once, and does not come back
    expect(await sum(holder.engine.ones([3])).item()).toBe(3)
  })

  test.each([
    ['too large', 10],
    ['negative', -1],
    ['far too large', 2 ** 31 - 1],
  ])('%s', async (_name, label) => {
    const { engine } = holder
    const target = labels(30, 10)
    target[17] = label
    const loss = crossEntropy(engine.zeros([30, 10]), engine.tensor(target))
    const error = await loss.item().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DataError)
    expect((error as DataError).message).toBe('crossEntropy: expected a label from 0 to 9, found label at position 17')
  })

  test('positions count from the first window', async () => {
    const target = labels(20_000, 3)
    target[19_999] = 3
    const loss = crossEntropy(tiny.engine.zeros([20_000, 3]), tiny.engine.tensor(target))
    await expect(loss.item()).rejects.toThrow('expected a label from 0 to 2, found label at position 19999')
  })

  test('other ignored labels are allowed nowhere', async () => {
    const { engine } = holder
    const loss = crossEntropy(engine.zeros([2, 3]), engine.tensor(Int32Array.of(-100, 255)), { ignoreIndex: 255 })
    await expect(loss.item()).rejects.toThrow('found label at position 0')
  })
})

test('crossEntropy refuses wrong shapes and options', () => {
  const { engine } = holder
  const input = engine.zeros([2, 3])
  const target = engine.tensor(Int32Array.of(0, 1))
  expect(() => crossEntropy(engine.zeros([6]), target)).toThrow(ShapeError)
  expect(() => crossEntropy(input, engine.tensor(Int32Array.of(0, 1, 2)))).toThrow(
    'crossEntropy: expected a target for each of 2 rows, got [3]',
  )
  expect(() => crossEntropy(input, engine.zeros([2]))).toThrow('crossEntropy: expected target of type i32')
  expect(() => crossEntropy(input, target, { labelSmoothing: 1.5 })).toThrow(OptionError)
  expect(() => crossEntropy(input, target, { labelSmoothing: NaN })).toThrow('a number from 0 to 1, got NaN')
  expect(() => crossEntropy(input, target, { ignoreIndex: 0.5 })).toThrow(OptionError)
  expect(() => crossEntropy(input, target, { reduction: 'max' as 'mean' })).toThrow(
    'crossEntropy: reduction: expected one of mean, sum, none, got "max"',
  )
})
