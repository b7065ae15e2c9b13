import { describe, expect, test } from 'vitest'
import { transpose } from '../../src/autograd/ops/transpose.js'
import { ShapeError } from '../../src/device/errors.js'
import { useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()

// no arithmetic happens, so the values are equal
goldenSuite(holder, 'transpose', {
  run: ({ input }, { dim0, dim1 }) => transpose(input!, dim0 as number, dim1 as number),
  tolerance: 0,
})

describe('transpose', () => {
  test('gradients', async () => {
    await checkGradients(holder.engine, ({ input }) => transpose(input!, 0, 1), { input: [19, 33] })
  })

  test('refuses dimensions that the tensor does not have', () => {
    const input = holder.engine.zeros([2, 3])
    expect(() => transpose(input, 0, 2)).toThrow(ShapeError)
    expect(() => transpose(input, -3, 0)).toThrow(/transpose: expected a dimension from -2 to 1, got -3/)
  })
})
