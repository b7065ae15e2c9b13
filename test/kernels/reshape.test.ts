import { describe, expect, test } from 'vitest'
import { reshape } from '../../src/autograd/ops/reshape.js'
import { ShapeError } from '../../src/device/errors.js'
import { useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()

// no arithmetic happens, so the values are equal
goldenSuite(holder, 'reshape', {
  run: ({ input }, { shape }) => reshape(input!, shape as number[]),
  tolerance: 0,
})

describe('reshape', () => {
  test('gradients', async () => {
    await checkGradients(holder.engine, ({ input }) => reshape(input!, [7, -1]), { input: [2, 7, 3] })
  })

  test('shares the memory', () => {
    const input = holder.engine.tensor([1, 2, 3, 4])
    expect(reshape(input, [2, 2]).buffer).toBe(input.buffer)
  })

  test('keeps the dtype', async () => {
    const output = reshape(holder.engine.tensor(Int32Array.of(1, -2, 3, 4)), [2, 2])
    expect([output.dtype, [...(await output.toArray())]]).toEqual(['i32', [1, -2, 3, 4]])
  })

  test.each([
    { shape: [3, 5], message: /12 elements of \[3, 4\], got \[3, 5\]/ },
    { shape: [5, -1], message: /12 elements/ },
    { shape: [-1, -1], message: /at most one -1/ },
    { shape: [0, 12], message: /positive integers/ },
    { shape: [1.5, 8], message: /positive integers/ },
    { shape: [], message: /12 elements/ },
  ])('refuses $shape', ({ shape, message }) => {
    const input = holder.engine.zeros([3, 4])
    expect(() => reshape(input, shape)).toThrow(ShapeError)
    expect(() => reshape(input, shape)).toThrow(message)
  })
})
