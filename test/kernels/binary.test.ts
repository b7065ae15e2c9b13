import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { add, div, mul, sub } from '../../src/autograd/ops/binary.js'
import { broadcastShapes, sizeOf } from '../../src/autograd/shape.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { KernelError, OptionError, ShapeError } from '../../src/device/errors.js'
import { expectClose, largestMagnitude, sumOfMagnitudes, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import type { GoldenCase } from '../support/golden.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

/** `steepest` bounds the slopes for the golden values: |a| <= 1 and |b| <= 1, in divisions |b| >= 0.5. */
const operations = {
  add: { run: add, compute: (a: number, b: number) => a + b, steepest: 1 },
  sub: { run: sub, compute: (a: number, b: number) => a - b, steepest: 1 },
  mul: { run: mul, compute: (a: number, b: number) => a * b, steepest: 1 },
  div: { run: div, compute: (a: number, b: number) => a / b, steepest: 4 },
}

/** Values of either sign, at least 0.5 from zero, so that they can be divided by. */
const divisors = (size: number) => testValues(size, 5).map((value) => (value < 0 ? value - 0.5 : value + 0.5))

/**
 * How much larger the terms of a gradient are than the gradient itself, which is how much larger its rounding error is:
 * a repeated operand sums products of the upstream gradient and a slope, up to 2145 of them and of either sign.
 */
function cancellation(golden: GoldenCase, operand: string, steepest: number): number {
  const gradient = golden.tensor(`gradients.${operand}`).data
  const termsPerElement = sumOfMagnitudes(golden.tensor('gradOutput').data) / gradient.length
  return Math.max(1, (steepest * termsPerElement) / largestMagnitude(gradient))
}

describe.each(Object.entries(operations))('%s', (name, { run, compute, steepest }) => {
  goldenSuite(holder, name, {
    run: ({ a, b }) => run(a!, b!),
    // one rounding, in division up to 2.5 units in the last place; gradients of repeated operands are sums
    tolerance: (golden, tensor) => (tensor === 'output' ? 3e-7 : 3e-7 * cancellation(golden, tensor, steepest)),
  })

  test.each([
    [
      [3, 4],
      [3, 4],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [[5], [2, 1, 5]],
  ])('gradients equal finite differences: %j and %j', async (shapeA, shapeB) => {
    const values = { b: divisors(sizeOf(shapeB)) }
    await checkGradients(holder.engine, ({ a, b }) => run(a!, b!), { a: shapeA, b: shapeB }, { values, epsilon: 5e-3 })
  })

  test('a tensor with itself', async () => {
    const input = holder.engine.tensor([1, -2, 4], [3], { requiresGrad: true })
    const output = run(input, input)
    expect([...(await output.toArray())]).toEqual([1, -2, 4].map((value) => compute(value, value)))
    output.backward({ gradient: holder.engine.ones([3]) })
    const expected = { add: [2, 2, 2], sub: [0, 0, 0], mul: [2, -4, 8], div: [0, 0, 0] }[name]!
    expect([...(await input.grad!.toArray())]).toEqual(expected)
  })

  test('a number as second operand', async () => {
    const values = testValues(7)
    const input = holder.engine.tensor(values, [7], { requiresGrad: true })
    const output = run(input, 4)
    expectClose(await output.toArray(), values.map((value) => compute(value, 4)), 2e-7, 'output') // prettier-ignore
    output.backward({ gradient: holder.engine.ones([7]) })
    const slope = { add: 1, sub: 1, mul: 4, div: 0.25 }[name]
    expect([...(await input.grad!.toArray())]).toEqual(Array(7).fill(slope))
  })

  test('NaN stays NaN', async () => {
    const { engine } = holder
    const [a, b] = [engine.tensor([NaN, 1]), engine.tensor([1, NaN])]
    expect([...(await run(a, b).toArray())]).toEqual([NaN, NaN])
    expect([...(await run(a, 2).toArray())]).toEqual([NaN, compute(1, 2)])
  })

  test.each([
    ['equal shapes', [50_000], [50_000]],
    ['a row', [400, 100], [100]],
    ['a column', [400, 100], [400, 1]],
    ['a repeated matrix', [400, 1, 10], [1, 9, 10]],
    ['the first operand repeated', [90], [400, 90]],
  ])('operands larger than a binding: %s', async (_name, shapeA, shapeB) => {
    const [whole, windows] = await Promise.all(
      [holder, tiny].map(async ({ engine }) => {
        const a = engine.tensor(testValues(sizeOf(shapeA)), shapeA, { requiresGrad: true })
        const b = engine.tensor(divisors(sizeOf(shapeB)), shapeB, { requiresGrad: true })
        const output = run(a, b)
        const values = await output.toArray()
        output.backward({ gradient: engine.tensor(testValues(output.size, 3), output.shape) })
        return [values, await a.grad!.toArray(), await b.grad!.toArray()] as const
      }),
    )
    expect(windows![0]).toEqual(whole![0])
    // the trees of the two devices differ
    expectClose(windows![1], whole![1], 1e-6, 'gradient of a')
    expectClose(windows![2], whole![2], 1e-6, 'gradient of b')
  })

  test('refuses what does not go together', () => {
    const { engine } = holder
    const input = engine.zeros([2, 3])
    expect(() => run(input, engine.zeros([2]))).toThrow(ShapeError)
    expect(() => run(input, engine.zeros([2]))).toThrow(
      `${name}: expected shapes that broadcast together, got [2, 3] and [2]`,
    )
    expect(() => run(input, engine.tensor(new Int32Array(3)))).toThrow(
      `${name}: expected b of type f32, got Tensor(i32[3])`,
    )
    expect(() => run(engine.tensor(new Uint8Array(3)), input)).toThrow(ShapeError)
    expect(() => run(input, NaN)).toThrow(OptionError)
    expect(() => run(input, Infinity)).toThrow(`${name}: b: expected a finite number`)
  })
})

test('any shapes that broadcast, compared with a loop', async () => {
  const dimension = fc.record({ length: fc.integer({ min: 1, max: 4 }), a: fc.boolean(), b: fc.boolean() })
  const operand = (side: 'a' | 'b', dims: { length: number; a: boolean; b: boolean }[], dropped: number) =>
    dims.map((dim) => (dim[side] ? dim.length : 1)).slice(dropped)
  await fc.assert(
    fc.asyncProperty(fc.array(dimension, { maxLength: 6 }), fc.nat(3), async (dims, dropped) => {
      const shapeA = operand('a', dims, 0)
      const shapeB = operand('b', dims, dropped)
      const { engine } = holder
      const [valuesA, valuesB] = [testValues(sizeOf(shapeA), 1), testValues(sizeOf(shapeB), 2)]
      const output = sub(engine.tensor(valuesA, shapeA), engine.tensor(valuesB, shapeB))
      const expected = broadcastLoop(shapeA, valuesA, shapeB, valuesB)
      expect([...(await output.toArray())]).toEqual(expected)
    }),
    { numRuns: 60, seed: 1 },
  )
})

/** a - b, by the coordinates of every element. */
function broadcastLoop(shapeA: number[], a: Float32Array, shapeB: number[], b: Float32Array): number[] {
  const shape = broadcastShapes('test', shapeA, shapeB)
  const place = (own: number[], coordinates: number[]) =>
    own.reduce((index, length, i) => index * length + (coordinates[i + shape.length - own.length]! % length), 0)
  return Array.from({ length: sizeOf(shape) }, (_, i) => {
    let rest = i
    const coordinates = shape.toReversed().map((length) => {
      const coordinate = rest % length
      rest = (rest - coordinate) / length
      return coordinate
    })
    coordinates.reverse()
    return Math.fround(a[place(shapeA, coordinates)]! - b[place(shapeB, coordinates)]!)
  })
}

test('many dimensions work as long as six are left after merging', async () => {
  const { engine } = holder
  const rows = engine.ones([1, 1, 2, 3, 1, 1, 2])
  const sum: Tensor = add(engine.ones([2, 2, 2, 3, 2, 1, 2]), rows)
  expect([...(await sum.toArray())]).toEqual(Array(96).fill(2))
  const alternating = [2, 1, 2, 1, 2, 1, 2]
  const other = alternating.map((length) => 3 - length)
  expect(() => add(engine.zeros(alternating), engine.zeros(other))).toThrow(KernelError)
})

test('an operand that repeats and does not fit a binding is refused', () => {
  const { engine } = tiny
  expect(() => add(engine.zeros([2, 20_000]), engine.zeros([20_000]))).toThrow(KernelError)
})
