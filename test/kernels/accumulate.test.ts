/** The addition of gradients that meet at a tensor; what the tape does with it is in test/autograd/backward.test.ts. */
import { expect, test } from 'vitest'
import { accumulate } from '../../src/kernels/accumulate/accumulate.js'
import type { Engine } from '../../src/autograd/engine.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const lesser = useEngine({
  requiredLimits: {
    maxStorageBufferBindingSize: 1024,
    maxComputeInvocationsPerWorkgroup: 64,
    maxComputeWorkgroupSizeX: 64,
  },
})

async function expectSum(engine: Engine, size: number): Promise<void> {
  const [values, addends] = [testValues(size, 1), testValues(size, 2)]
  const [total, addend] = [engine.tensor(values), engine.tensor(addends)]
  accumulate(engine.device, { target: total.buffer, source: addend.buffer, size })
  expect(await total.toArray()).toEqual(values.map((value, i) => value + addends[i]!))
  expect(await addend.toArray()).toEqual(addends)
}

test.each([1, 63, 64, 65, 257, 1000])('adds %i elements', async (size) => {
  await expectSum(holder.engine, size)
})

test('adds buffers larger than a binding', async () => {
  await expectSum(lesser.engine, 1001)
})

test('adds a buffer to itself never', () => {
  const { buffer } = holder.engine.tensor([1, 2])
  expect(() => accumulate(holder.engine.device, { target: buffer, source: buffer, size: 2 })).toThrow(
    /the same buffer, once to read and once to write/,
  )
})
