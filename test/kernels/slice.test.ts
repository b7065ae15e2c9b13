import { describe, expect, test } from 'vitest'
import { slice } from '../../src/autograd/ops/slice.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { checkGradients } from '../support/op-suite.js'

const holder = useEngine()

describe('slice', () => {
  test('a block', async () => {
    const input = holder.engine.tensor(testValues(60), [3, 4, 5])
    const block = slice(input, { starts: [1, 0, 2], ends: [3, 2, 5] })
    const values = await input.toArray()
    const expected = [1, 2].flatMap((i) => [0, 1].flatMap((j) => [2, 3, 4].map((k) => values[(i * 4 + j) * 5 + k]!)))
    expect(block.shape).toEqual([2, 2, 3])
    expect([...(await block.toArray())]).toEqual(expected)
  })

  test('gradients', async () => {
    const run = (input: Parameters<typeof slice>[0]) => slice(input, { starts: [0, 1, 2], ends: [2, 3, 3] })
    await checkGradients(holder.engine, ({ input }) => run(input!), { input: [2, 4, 3] })
  })

  test('refuses blocks outside of the tensor', () => {
    const input = holder.engine.zeros([2, 3])
    expect(() => slice(input, { starts: [0], ends: [1] })).toThrow(/a start and an end for each dimension of \[2, 3\]/)
    expect(() => slice(input, { starts: [0, 0], ends: [2, 4] })).toThrow(ShapeError)
    expect(() => slice(input, { starts: [0, -1], ends: [2, 3] })).toThrow(
      /inside of \[2, 3\], got \[0, -1\] to \[2, 3\]/,
    )
    expect(() => slice(input, { starts: [0, 2], ends: [2, 2] })).toThrow(/at least one element/)
    expect(() => slice(input, { starts: [0, 0.5], ends: [2, 2] })).toThrow(OptionError)
  })
})
