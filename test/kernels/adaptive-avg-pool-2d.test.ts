import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adaptiveAvgPool2d } from '../../src/autograd/ops/adaptive-avg-pool-2d.js'
import type { Pair } from '../../src/autograd/ops/pair.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'
import { poolInPiecesSuite } from '../support/pool-suite.js'

const holder = useEngine()

goldenSuite(holder, 'adaptiveAvgPool2d', {
  run: ({ input }, attributes) => adaptiveAvgPool2d(input!, attributes.outputSize as Pair),
  // sums of at most 49 numbers, and a division
  tolerance: 1e-6,
})

poolInPiecesSuite(holder, (input) => adaptiveAvgPool2d(input, [7, 3]))

describe('adaptiveAvgPool2d', () => {
  test.each<[Pair, number[]]>([
    [1, [2, 5, 6, 3]],
    [
      [3, 4],
      [2, 5, 6, 3],
    ],
    [7, [1, 3, 2, 4]],
  ])('agrees with finite differences: to %o', async (outputSize, shape) => {
    await checkGradients(holder.engine, ({ input }) => adaptiveAvgPool2d(input!, outputSize), { input: shape })
  })

  test('any size: the windows are floor(i * in / out) to ceil((i + 1) * in / out)', async () => {
    const { engine } = holder
    const size = fc.tuple(fc.integer({ min: 1, max: 13 }), fc.integer({ min: 1, max: 13 }))
    await fc.assert(
      fc.asyncProperty(size, size, async ([height, width], [outputHeight, outputWidth]) => {
        const values = testValues(height * width)
        const input = engine.tensor(values, [1, height, width, 1], { requiresGrad: true })
        const output = adaptiveAvgPool2d(input, [outputHeight, outputWidth])
        const upstream = testValues(outputHeight * outputWidth, 2)
        const [outputValues, gradient] = averages(values, upstream, [height, width], [outputHeight, outputWidth])
        expectClose(await output.toArray(), outputValues, 1e-6, 'output')
        output.backward({ gradient: engine.tensor(upstream, output.shape) })
        expectClose(await input.grad!.toArray(), gradient, 2e-6, 'gradient')
      }),
      { numRuns: 25 },
    )
  })

  test('refuses a size of 0, and an input that is not [N, H, W, C]', () => {
    const { engine } = holder
    expect(() => adaptiveAvgPool2d(engine.ones([1, 4, 4, 1]), [2, 0])).toThrow(OptionError)
    expect(() => adaptiveAvgPool2d(engine.ones([4, 4, 1]), 1)).toThrow(ShapeError)
  })
})

/** Output and input gradient in f64, scattering where the kernels gather. */
function averages(
  values: Float32Array,
  upstream: Float32Array,
  [height, width]: readonly [number, number],
  [outputHeight, outputWidth]: readonly [number, number],
): [number[], number[]] {
  const output = new Array<number>(outputHeight * outputWidth).fill(0)
  const gradient = new Array<number>(values.length).fill(0)
  for (let oh = 0; oh < outputHeight; oh++)
    for (let ow = 0; ow < outputWidth; ow++) {
      const rows = windowAlong(oh, height, outputHeight)
      const columns = windowAlong(ow, width, outputWidth)
      const share = 1 / (rows.length * columns.length)
      for (const h of rows)
        for (const w of columns) {
          output[oh * outputWidth + ow]! += values[h * width + w]! * share
          gradient[h * width + w]! += upstream[oh * outputWidth + ow]! * share
        }
    }
  return [output, gradient]
}

function windowAlong(i: number, inputs: number, outputs: number): number[] {
  const start = Math.floor((i * inputs) / outputs)
  const end = Math.ceil(((i + 1) * inputs) / outputs)
  return Array.from({ length: end - start }, (_, offset) => start + offset)
}
