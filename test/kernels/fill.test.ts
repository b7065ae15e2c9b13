import { expect, test } from 'vitest'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const lesser = useEngine({
  requiredLimits: {
    maxStorageBufferBindingSize: 1024,
    maxComputeInvocationsPerWorkgroup: 64,
    maxComputeWorkgroupSizeX: 64,
  },
})

test.each([1, 63, 64, 65, 257, 1000])('fills %i elements', async (size) => {
  expect(await holder.engine.full([size], -1.75).toArray()).toEqual(new Float32Array(size).fill(-1.75))
})

test('fills buffers larger than a binding', async () => {
  expect(await lesser.engine.full([1001], 3).toArray()).toEqual(new Float32Array(1001).fill(3))
})

test('zeros, ones, scalars, infinity', async () => {
  const { engine } = holder
  expect([...(await engine.zeros([2, 2]).toArray())]).toEqual([0, 0, 0, 0])
  expect([...(await engine.ones([3]).toArray())]).toEqual([1, 1, 1])
  expect(await engine.full([], 0.5).item()).toBe(0.5)
  expect(await engine.full([], -Infinity).item()).toBe(-Infinity)
})
