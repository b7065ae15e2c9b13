/** The clipping kernels on large gradients; test/optim/clip.test.ts compares them with PyTorch. */
import { expect, test } from 'vitest'
import { clipGradNorm, clipGradValue } from '../../src/optim/clip.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const engines = { 'the default device': useEngine(), 'tiny limits': useEngine({ requiredLimits: tinyLimits }) }

// the sums of 16 squares and then trees of a few dozen terms: some 20 roundings of 6e-8
const tolerance = 1e-6

test.each(Object.entries(engines))('gradients larger than a binding, on %s', async (_name, { engine }) => {
  const values = [testValues(40_003, 1), testValues(17, 2), testValues(20_000, 3)]
  const parameters = values.map((gradient) => {
    const parameter = engine.zeros([gradient.length])
    parameter.grad = engine.tensor(gradient)
    return parameter
  })
  const norm = Math.hypot(...values.flatMap((gradient) => [...gradient]))
  expectClose([await clipGradNorm(parameters, 3).item()], [norm], tolerance, 'norm')
  for (const [i, { grad }] of parameters.entries()) {
    const expected = values[i]!.map((value) => (value * 3) / norm)
    expectClose(await grad!.toArray(), expected, tolerance, `gradient ${i}`)
  }
  expectClose([await clipGradNorm(parameters, Infinity).item()], [3], tolerance, 'norm after clipping')
  clipGradValue(parameters, 0.01)
  expect((await parameters[0]!.grad!.toArray()).every((value) => Math.abs(value) <= Math.fround(0.01))).toBe(true)
})

test('the same gradients give the same bits', async () => {
  const { engine } = engines['the default device']
  const norms = await Promise.all(
    [1, 2, 3].map(() => {
      const parameter = engine.zeros([30_000])
      parameter.grad = engine.tensor(testValues(30_000))
      return clipGradNorm([parameter], 1).item()
    }),
  )
  expect(new Set(norms).size).toBe(1)
})
