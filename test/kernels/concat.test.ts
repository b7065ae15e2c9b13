import { describe, expect, test } from 'vitest'
import { concat } from '../../src/autograd/ops/concat.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

// no arithmetic happens, so the values are equal
goldenSuite(holder, 'concat', {
  run: (inputs, { dim }) => concat(Object.values(inputs), { dim: dim as number }),
  tolerance: 0,
})

describe('concat', () => {
  test.each([0, 1, 2])('gradients along dimension %i', async (dim) => {
    const shapes = { a: [2, 3, 4], b: [2, 3, 4] }
    await checkGradients(holder.engine, ({ a, b }) => concat([a!, b!], { dim }), shapes)
  })

  test('the same tensor twice gets both gradients', async () => {
    const input = holder.engine.tensor([1, 2], [1, 2], { requiresGrad: true })
    const output = concat([input, input], { dim: 1 })
    output.backward({ gradient: holder.engine.tensor([1, 2, 30, 40], [1, 4]) })
    expect([...(await output.detach().toArray())]).toEqual([1, 2, 1, 2])
    expect([...(await input.grad!.toArray())]).toEqual([31, 42])
  })

  test.each([0, 1])('operands larger than a binding, along dimension %i', async (dim) => {
    const { engine } = tiny
    const [a, b] = [testValues(130 * 130, 1), testValues(130 * 130, 2)]
    const tensors = [a, b].map((values) => engine.tensor(values, [130, 130], { requiresGrad: true }))
    const output = concat(tensors, { dim })
    const row = (values: Float32Array, i: number) => [...values.subarray(i * 130, (i + 1) * 130)]
    const rows = Array.from({ length: 130 }, (_row, i) => [...row(a, i), ...row(b, i)])
    const expected = dim === 0 ? Float32Array.of(...a, ...b) : Float32Array.from(rows.flat())
    expect(await output.detach().toArray()).toEqual(expected)
    output.backward({ gradient: output.detach() })
    expect(await tensors[0]!.grad!.toArray()).toEqual(a)
    expect(await tensors[1]!.grad!.toArray()).toEqual(b)
  })

  test('integers', async () => {
    const a = holder.engine.tensor(Int32Array.of(-1, 2))
    const b = holder.engine.tensor(Int32Array.of(3))
    expect(await concat([a, b]).toArray()).toEqual(Int32Array.of(-1, 2, 3))
  })

  test('refuses what does not fit together', () => {
    const { engine } = holder
    expect(() => concat([])).toThrow(OptionError)
    expect(() => concat([engine.zeros([2, 3]), engine.zeros([3, 3])], { dim: 1 })).toThrow(ShapeError)
    expect(() => concat([engine.zeros([2, 3]), engine.zeros([2])])).toThrow(/equal except along dimension 0/)
    expect(() => concat([engine.zeros([2]), engine.zeros([2])], { dim: 1 })).toThrow(/a dimension from -1 to 0, got 1/)
    expect(() => concat([engine.zeros([2]), engine.tensor(Int32Array.of(1))])).toThrow(/f32 and i32/)
  })
})
