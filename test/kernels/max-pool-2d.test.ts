import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxPool2d, type MaxPool2dOptions } from '../../src/autograd/ops/max-pool-2d.js'
import { relu } from '../../src/autograd/ops/relu.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'
import { poolInPiecesSuite } from '../support/pool-suite.js'

const holder = useEngine()

goldenSuite(holder, 'maxPool2d', {
  run: ({ input }, attributes) => maxPool2d(input!, attributes as unknown as MaxPool2dOptions),
  // values are copied, so the output is exact; a gradient adds at most 25 numbers
  tolerance: (_golden, tensor) => (tensor === 'output' ? 0 : 1e-6),
})

poolInPiecesSuite(holder, (input) => maxPool2d(input, { kernelSize: 3, stride: 2, padding: 1 }))

describe('maxPool2d', () => {
  test('agrees with finite differences', async () => {
    // a permutation of multiples of 0.05, so that no step of 0.01 changes which value is the largest
    const values = Float32Array.from({ length: 120 }, (_, i) => ((i * 77) % 120) * 0.05)
    await checkGradients(
      holder.engine,
      ({ input }) => maxPool2d(input!, { kernelSize: 3, stride: 2, padding: 1 }),
      {
        input: [2, 5, 4, 3],
      },
      { values: { input: values } },
    )
  })

  test('takes one number for both dimensions, and the kernel as the stride', () => {
    const input = holder.engine.ones([2, 7, 9, 3])
    expect(maxPool2d(input, { kernelSize: 2 }).shape).toEqual([2, 3, 4, 3])
    expect(maxPool2d(input, { kernelSize: [3, 2], padding: [1, 0] }).shape).toEqual([2, 3, 4, 3])
    expect(maxPool2d(input, { kernelSize: 2, ceilMode: true }).shape).toEqual([2, 4, 5, 3])
  })

  test('NaN is larger than everything, and gets the gradient', async () => {
    const { engine } = holder
    const input = engine.tensor([1, NaN, 3, 4, 5, 6, 7, 8], [1, 2, 4, 1], { requiresGrad: true })
    const output = maxPool2d(input, { kernelSize: 2 })
    expect(Array.from(await output.toArray())).toEqual([NaN, 8])
    output.backward({ gradient: engine.tensor([10, 20], [1, 1, 2, 1]) })
    expect(Array.from(await input.grad!.toArray())).toEqual([0, 10, 0, 0, 0, 0, 0, 20])
  })

  test('a window of minus infinities is minus infinity', async () => {
    const { engine } = holder
    const input = engine.tensor([-Infinity, -Infinity, -3, -Infinity], [1, 1, 4, 1], { requiresGrad: true })
    const output = maxPool2d(input, { kernelSize: [1, 2] })
    expect(Array.from(await output.toArray())).toEqual([-Infinity, -3])
    output.backward({ gradient: engine.ones([1, 1, 2, 1]) })
    expect(Array.from(await input.grad!.toArray())).toEqual([1, 0, 1, 0])
  })

  test('a window that dilation leaves without any input has no gradient', async () => {
    const { engine } = holder
    const input = engine.tensor([1, 2, 3, 4], [1, 1, 4, 1], { requiresGrad: true })
    const output = maxPool2d(input, { kernelSize: [1, 2], stride: 1, padding: [0, 1], dilation: [1, 5] })
    const lowest = Math.fround(-3.4028234663852886e38)
    expect(Array.from(await output.toArray())).toEqual([lowest])
    output.backward()
    expect(Array.from(await input.grad!.toArray())).toEqual([0, 0, 0, 0])
  })

  test('any window: the output is the maximum, and the gradient is given away once', async () => {
    const { engine } = holder
    const small = fc.integer({ min: 1, max: 4 })
    const pair = fc.tuple(small, small)
    const cases = fc.record({
      shape: fc.tuple(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        small,
      ),
      kernelSize: pair,
      stride: pair,
      padding: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
      ceilMode: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, ...options }) => {
        const { kernelSize, padding } = options
        fc.pre([0, 1].every((axis) => padding[axis]! <= kernelSize[axis]! / 2))
        fc.pre([0, 1].every((axis) => shape[axis + 1]! + 2 * padding[axis]! >= kernelSize[axis]!))
        const values = testValues(shape.reduce((a, b) => a * b))
        const input = engine.tensor(values, shape, { requiresGrad: true })
        const output = maxPool2d(input, options)
        const outputShape = output.shape
        expect(Array.from(await output.toArray())).toEqual(maxima(values, shape, outputShape, options))
        output.backward({ gradient: engine.ones(outputShape) })
        const total = Array.from(await input.grad!.toArray()).reduce((sum, value) => sum + value, 0)
        expect(total).toBe(outputShape.reduce((a, b) => a * b))
      }),
      { numRuns: 25 },
    )
  })

  test.each([
    { kernelSize: 3, stride: 2, padding: 1 },
    { kernelSize: 2, stride: 3, padding: 1 },
    { kernelSize: 2, dilation: 2, stride: 3 },
  ])('with a ReLU in the same pass: $kernelSize, $stride', async (options) => {
    const { engine } = holder
    const values = testValues(2 * 8 * 7 * 4).map((value, i) => (i === 0 ? NaN : value - 1))
    const [input, other] = [0, 1].map(() => engine.tensor(values, [2, 8, 7, 4], { requiresGrad: true }))
    const output = maxPool2d(input!, { ...options, relu: true })
    const expected = relu(maxPool2d(other!, options))
    const numbers = await expected.toArray()
    expect(await output.toArray()).toEqual(numbers)
    expect([...numbers].some(Number.isNaN) && numbers.includes(0)).toBe(true)
    const gradient = engine.tensor(testValues(output.size, 3), output.shape)
    for (const each of [output, expected]) each.backward({ gradient })
    expect(await input!.grad!.toArray()).toEqual(await other!.grad!.toArray())
  })

  test('saves the indices only, and only for a backward pass', () => {
    const { engine } = holder
    const frozen = engine.ones([1, 4, 4, 1])
    const before = engine.memory().inUse
    engine.scope(() => {
      maxPool2d(frozen, { kernelSize: 2 })
      expect(engine.memory().inUse - before).toBe(256) // the output; buffers have at least 256 bytes
    })
    const trainable = engine.tensor(new Float32Array(16), [1, 4, 4, 1], { requiresGrad: true })
    const { references } = trainable.buffer
    maxPool2d(trainable, { kernelSize: 2 })
    expect(trainable.buffer.references).toBe(references)
  })

  test.each<[string, MaxPool2dOptions, new (...args: never[]) => Error, RegExp]>([
    [
      'a padding over half the kernel',
      { kernelSize: 3, padding: 2 },
      OptionError,
      /padding.*at most half the kernel, 1/,
    ],
    ['an empty kernel', { kernelSize: 0 }, OptionError, /kernelSize/],
    ['a stride of 0', { kernelSize: 2, stride: [1, 0] }, OptionError, /stride.*\[1, 0\]/],
    ['half a step', { kernelSize: 2, stride: 1.5 }, OptionError, /stride/],
    ['a negative padding', { kernelSize: 2, padding: -1 }, OptionError, /padding/],
    ['a dilation of 0', { kernelSize: 2, dilation: 0 }, OptionError, /dilation/],
    ['a triple', { kernelSize: [2, 2, 2] as unknown as [number, number] }, OptionError, /pair \[height, width\]/],
    ['an image smaller than the window', { kernelSize: [2, 7] }, ShapeError, /width of at least 7.*got 6/],
    ['too much dilation', { kernelSize: 3, dilation: [3, 1] }, ShapeError, /height of at least 7.*got 5/],
  ])('refuses %s', (_name, options, error, message) => {
    const pool = () => maxPool2d(holder.engine.ones([1, 5, 6, 2]), options)
    expect(pool).toThrow(error)
    expect(pool).toThrow(message)
  })

  test('refuses an input that is not f32 [N, H, W, C]', () => {
    const { engine } = holder
    expect(() => maxPool2d(engine.ones([4, 4, 1]), { kernelSize: 2 })).toThrow(ShapeError)
    expect(() => maxPool2d(engine.tensor(new Uint8Array(16), [1, 4, 4, 1]), { kernelSize: 2 })).toThrow(
      /u8 \[1, 4, 4, 1\]/,
    )
  })
})

function maxima(
  values: Float32Array,
  [batch, height, width, channels]: readonly number[],
  outputShape: readonly number[],
  { kernelSize, stride, padding }: { kernelSize: number[]; stride: number[]; padding: number[] },
): number[] {
  const result: number[] = []
  for (let n = 0; n < batch!; n++)
    for (let oh = 0; oh < outputShape[1]!; oh++)
      for (let ow = 0; ow < outputShape[2]!; ow++)
        for (let c = 0; c < channels!; c++) {
          let most = -Infinity
          for (let kh = 0; kh < kernelSize[0]!; kh++)
            for (let kw = 0; kw < kernelSize[1]!; kw++) {
              const h = oh * stride[0]! - padding[0]! + kh
              const w = ow * stride[1]! - padding[1]! + kw
              if (h < 0 || h >= height! || w < 0 || w >= width!) continue
              most = Math.max(most, values[((n * height! + h) * width! + w) * channels! + c]!)
            }
          result.push(most)
        }
  return result
}
