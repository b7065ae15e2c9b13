import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pad } from '../../src/autograd/ops/pad.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'
import { padded } from '../support/rearranged.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

type Padding = [number, number][]

// no arithmetic happens, so the values are equal
goldenSuite(holder, 'pad', {
  run: ({ input }, { padding, value }) => pad(input!, { padding: padding as Padding, value: value as number }),
  tolerance: 0,
})

describe('pad', () => {
  test('any shape and padding, cuts included', async () => {
    const anyCase = fc
      .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 })
      .chain((shape) =>
        fc.tuple(
          fc.constant(shape),
          fc.tuple(
            ...shape.map((length) =>
              fc
                .tuple(fc.integer({ min: 1 - length, max: 2 }), fc.integer({ min: 1 - length, max: 2 }))
                .map(([before, after]): [number, number] => (length + before + after < 1 ? [0, 0] : [before, after])),
            ),
          ),
        ),
      )
    await fc.assert(
      fc.asyncProperty(anyCase, async ([shape, padding]) => {
        const values = testValues(shape.reduce((a, b) => a * b))
        const output = pad(holder.engine.tensor(values, shape), { padding, value: 2.5 })
        expect(await output.toArray()).toEqual(padded(values, shape, padding, 2.5))
      }),
      { numRuns: 40, seed: 3 },
    )
  })

  test('operands larger than a binding', async () => {
    const { engine } = tiny
    const [shape, padding] = [[150, 130], [[3, 2], [-5, 17]] as Padding] // prettier-ignore
    const values = testValues(150 * 130)
    const input = engine.tensor(values, shape, { requiresGrad: true })
    const output = pad(input, { padding, value: 1 })
    const expected = padded(values, shape, padding, 1)
    expect(await output.detach().toArray()).toEqual(expected)
    output.backward({ gradient: engine.tensor(expected, [155, 142]) })
    const gradient = values.map((value, i) => (i % 130 < 5 ? 0 : value)) // the first columns were cut off
    expect(await input.grad!.toArray()).toEqual(gradient)
  })

  test('gradients', async () => {
    const padding: Padding = [
      [0, 0],
      [1, 2],
      [-1, 3],
    ]
    await checkGradients(holder.engine, ({ input }) => pad(input!, { padding }), { input: [2, 3, 4] })
  })

  test('values of any bits', async () => {
    const input = holder.engine.tensor([1])
    const lowest = -3.4028234663852886e38
    expect([...(await pad(input, { padding: [[1, 0]], value: lowest }).toArray())]).toEqual([lowest, 1])
    expect([...(await pad(input, { padding: [[1, 0]], value: -Infinity }).toArray())]).toEqual([-Infinity, 1])
    const labels = holder.engine.tensor(Int32Array.of(3, 4))
    expect([...(await pad(labels, { padding: [[0, 1]], value: -100 }).toArray())]).toEqual([3, 4, -100])
  })

  test('refuses wrong padding', () => {
    const input = holder.engine.zeros([2, 3])
    expect(() => pad(input, { padding: [[1, 1]] })).toThrow(ShapeError)
    expect(() => pad(input, { padding: [[1, 1]] })).toThrow(/padding for each dimension of \[2, 3\], got 1 pairs/)
    expect(() =>
      pad(input, {
        padding: [
          [-1, -1],
          [0, 0],
        ],
      }),
    ).toThrow(/leaves a part/)
    expect(() =>
      pad(input, {
        padding: [
          [0.5, 0],
          [0, 0],
        ],
      }),
    ).toThrow(OptionError)
  })
})
