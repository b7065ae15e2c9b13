import { describe, expect, test } from 'vitest'
import { flatten } from '../../src/autograd/ops/flatten.js'
import { ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()

// no arithmetic happens, so the values are equal
goldenSuite(holder, 'flatten', { run: ({ input }) => flatten(input!), tolerance: 0 })

describe('flatten', () => {
  test('gradients', async () => {
    await checkGradients(holder.engine, ({ input }) => flatten(input!), { input: [2, 3, 2, 5] })
  })

  test.each([
    { shape: [4, 1, 1, 8], what: 'one pixel' },
    { shape: [4, 3, 5, 1], what: 'one channel' },
    { shape: [3, 7], what: 'rank 2' },
    { shape: [3, 7, 2], what: 'rank 3' },
    { shape: [3, 7, 2, 1, 2], what: 'rank 5' },
  ])('shares the memory with $what', async ({ shape }) => {
    const values = testValues(shape.reduce((a, b) => a * b))
    const input = holder.engine.tensor(values, shape)
    const output = flatten(input)
    expect(output.shape).toEqual([shape[0], values.length / shape[0]!])
    expect(output.buffer).toBe(input.buffer)
    expect(await output.toArray()).toEqual(values)
  })

  test('images larger than a tile', async () => {
    const [n, h, w, c] = [2, 5, 7, 70] as const
    const values = testValues(n * h * w * c)
    const output = await flatten(holder.engine.tensor(values, [n, h, w, c])).toArray()
    const expected = Float32Array.from(values, (_value, i) => {
      const [image, channel, pixel] = [Math.floor(i / (c * h * w)), Math.floor(i / (h * w)) % c, i % (h * w)]
      return values[(image * h * w + pixel) * c + channel]!
    })
    expect(output).toEqual(expected)
  })

  test('refuses a tensor without a batch', () => {
    expect(() => flatten(holder.engine.zeros([3]))).toThrow(ShapeError)
    expect(() => flatten(holder.engine.zeros([3]))).toThrow(/a batch, such as \[N, H, W, C\], got \[3\]/)
  })
})
