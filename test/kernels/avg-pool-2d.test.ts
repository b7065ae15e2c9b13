import { describe, expect, test } from 'vitest'
import { avgPool2d, type AvgPool2dOptions } from '../../src/autograd/ops/avg-pool-2d.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'
import { poolInPiecesSuite } from '../support/pool-suite.js'

const holder = useEngine()

goldenSuite(holder, 'avgPool2d', {
  run: ({ input }, attributes) => avgPool2d(input!, attributes as unknown as AvgPool2dOptions),
  // sums of at most 49 numbers, and a division
  tolerance: 1e-6,
})

poolInPiecesSuite(holder, (input) => avgPool2d(input, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true }))

describe('avgPool2d', () => {
  test.each<AvgPool2dOptions>([
    { kernelSize: 2 },
    { kernelSize: 3, stride: 2, padding: 1, ceilMode: true },
    { kernelSize: [3, 2], stride: 1, padding: [1, 0], countIncludePad: false },
  ])('agrees with finite differences: %o', async (options) => {
    await checkGradients(holder.engine, ({ input }) => avgPool2d(input!, options), { input: [2, 5, 6, 3] })
  })

  test('counts padding as zeros, unless it is told not to', async () => {
    const input = holder.engine.ones([1, 2, 2, 1])
    const options = { kernelSize: 2, stride: 2, padding: 1 }
    expect(Array.from(await avgPool2d(input, options).toArray())).toEqual([0.25, 0.25, 0.25, 0.25])
    const without = avgPool2d(input, { ...options, countIncludePad: false })
    expect(Array.from(await without.toArray())).toEqual([1, 1, 1, 1])
  })

  test('saves nothing', () => {
    const input = holder.engine.tensor(new Float32Array(16), [1, 4, 4, 1], { requiresGrad: true })
    const { references } = input.buffer
    avgPool2d(input, { kernelSize: 2 })
    expect(input.buffer.references).toBe(references)
  })

  test.each<[string, AvgPool2dOptions, new (...args: never[]) => Error, RegExp]>([
    [
      'a padding over half the kernel',
      { kernelSize: [4, 2], padding: [2, 2] },
      OptionError,
      /at most half the kernel, 1/,
    ],
    ['a stride of 0', { kernelSize: 2, stride: 0 }, OptionError, /avgPool2d: stride/],
    ['an image smaller than the window', { kernelSize: 6 }, ShapeError, /height of at least 6.*got 5/],
  ])('refuses %s', (_name, options, error, message) => {
    const pool = () => avgPool2d(holder.engine.ones([1, 5, 6, 2]), options)
    expect(pool).toThrow(error)
    expect(pool).toThrow(message)
  })

  test('refuses an input that is not [N, H, W, C]', () => {
    expect(() => avgPool2d(holder.engine.ones([4, 4]), { kernelSize: 2 })).toThrow(ShapeError)
  })
})
