import { expect, test } from 'vitest'
import { relu } from '../../src/autograd/ops/relu.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { testValues } from '../support/compare.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

// values pass or become 0: nothing is rounded
goldenSuite(holder, 'relu', { run: ({ input }) => relu(input!), tolerance: 0 })

test('gradients equal finite differences', async () => {
  const away = testValues(60).map((value) => (Math.abs(value) < 0.1 ? value + 0.3 : value)) // from the kink at 0
  await checkGradients(holder.engine, ({ input }) => relu(input!), { input: [3, 4, 5] }, { values: { input: away } })
})

test('NaN stays NaN, forward and backward', async () => {
  const { engine } = holder
  const input = engine.tensor([NaN, -1, Infinity, -Infinity], [4], { requiresGrad: true })
  const output = relu(input)
  expect([...(await output.toArray())]).toEqual([NaN, 0, Infinity, 0])
  output.backward({ gradient: engine.tensor([1, 2, NaN, 4]) })
  expect([...(await input.grad!.toArray())]).toEqual([1, 0, NaN, 0])
})

test('operands larger than a binding give the same values', async () => {
  const values = testValues(40_000)
  const [whole, windows] = await Promise.all(
    [holder, tiny].map(async ({ engine }) => {
      const input = engine.tensor(values, undefined, { requiresGrad: true })
      const output = relu(input)
      const result = await output.toArray()
      output.backward({ gradient: engine.tensor(values) })
      return [result, await input.grad!.toArray()]
    }),
  )
  expect(windows).toEqual(whole)
})
