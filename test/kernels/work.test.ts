/** The operations that kernels say they do, which profiles divide by their time. */
import { describe, expect, test } from 'vitest'
import { avgPool2d, conv2d, matmul, maxPool2d, relu, softmax, sum } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { useEngine } from '../support/engine.js'
import { measures } from '../support/timestamps.js'

const holder = useEngine()

const ones = (shape: readonly number[]) => {
  const tensor = holder.engine.ones([...shape])
  tensor.requiresGrad = true
  return tensor
}

/** The operations of a forward pass and of its backward pass by kernel. */
async function operationsOf(run: () => Tensor): Promise<Record<string, number>> {
  const times = await holder.engine.device.profile(() => {
    holder.engine.scope(() => {
      sum(run()).backward()
    })
  })
  const counts: Record<string, number> = {}
  for (const { kernel, operations } of times) counts[kernel] = (counts[kernel] ?? 0) + operations
  return counts
}

describe.runIf(measures)('operations', () => {
  test('of a strided convolution: two for each multiply-add, in both gradients too', async () => {
    const [input, weight] = [ones([2, 9, 9, 3]), ones([3, 3, 3, 5])]
    const counts = await operationsOf(() => conv2d(input, weight, undefined, { stride: 2, padding: 1 }))
    const operations = 2 * (2 * 5 * 5) * (3 * 3 * 3) * 5
    expect(counts).toMatchObject({
      'conv2d/forward': operations,
      'conv2d/input-gradient': operations,
      'conv2d/weight-gradient': operations,
    })
  })

  test('of matrix products', async () => {
    const counts = await operationsOf(() => matmul(ones([5, 7]), ones([7, 3])))
    expect(counts['matmul/matmul']).toBe(3 * 2 * 5 * 7 * 3)
  })

  test('of elements: a few for each', async () => {
    expect(await operationsOf(() => relu(ones([10, 10])))).toMatchObject({ 'relu/forward': 100, 'relu/backward': 100 })
    expect((await operationsOf(() => softmax(ones([4, 6]), { dim: 1 })))['softmax/forward']).toBe(4 * 6 * 5)
  })

  test('of pools: one for each element of each window', async () => {
    const input = ones([1, 8, 8, 4])
    const taps = 4 * 4 * 4 * (2 * 2)
    const max = await operationsOf(() => maxPool2d(input, { kernelSize: 2 }))
    expect(max).toMatchObject({ 'max-pool-2d/forward': taps, 'max-pool-2d/backward-apart': taps })
    const overlapping = await operationsOf(() => maxPool2d(input, { kernelSize: 3, stride: 1 }))
    const overlappingTaps = 6 * 6 * 4 * (3 * 3)
    expect(overlapping).toMatchObject({
      'max-pool-2d/forward': overlappingTaps,
      'max-pool-2d/backward': 2 * overlappingTaps,
    })
    const average = await operationsOf(() => avgPool2d(input, { kernelSize: 2 }))
    expect(average).toMatchObject({ 'avg-pool-2d/forward': taps, 'avg-pool-2d/backward': 2 * taps })
  })
})
