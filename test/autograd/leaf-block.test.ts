import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { gatherLeaves } from '../../src/autograd/leaf-block.js'
import { linear, sum } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

/** Held for the whole file: garbage collection would return its memory in the middle of a measurement. */
const held: unknown[] = []

function leaf(engine: Engine, size: number): Tensor {
  const tensor = engine.tensor(testValues(size, size), [size], { requiresGrad: true })
  held.push(tensor)
  return tensor
}

describe('gathered leaves', () => {
  test('are the same tensors with the same values, side by side', async () => {
    const { engine } = holder
    const leaves = [3, 64, 65, 2].map((size) => leaf(engine, size))
    const versions = leaves.map(({ buffer }) => buffer.version)
    gatherLeaves(leaves)
    const alignment = engine.device.limits.offsetAlignment
    for (const [i, { place, buffer, size }] of leaves.entries()) {
      expect(place).toMatchObject({ block: leaves[0]!.place!.block, index: i, size })
      expect(buffer.id).toBe(leaves[0]!.buffer.id)
      expect(buffer.gpuOffset % alignment).toBe(0)
      expect(buffer.byteLength).toBe(size * 4)
      expect(buffer.version).toBe(versions[i])
      expect(await leaves[i]!.toArray()).toEqual(testValues(size, size))
    }
    leaves[1]!.requiresGrad = false
    leaves[1]!.set(testValues(64, 1))
    expect(await leaves[0]!.toArray()).toEqual(testValues(3, 3))
    expect(await leaves[1]!.toArray()).toEqual(testValues(64, 1))
    expect(await leaves[2]!.toArray()).toEqual(testValues(65, 65))
  })

  test('are small, many, not seen by anybody else, and stay', () => {
    const { engine } = holder
    const [small, limit, large, seen] = [4, 16_384, 16_385, 5].map((size) => leaf(engine, size)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ]
    held.push(seen.detach())
    gatherLeaves([small])
    expect(small.place).toBeUndefined()
    gatherLeaves([small, limit, large, seen])
    expect([small, limit, large, seen].map(({ place }) => place?.index)).toEqual([0, 1, undefined, undefined])
    const { buffer } = small
    gatherLeaves([small, leaf(engine, 6), leaf(engine, 7)])
    expect(small.buffer).toBe(buffer)
  })

  test('stay where they are while nothing runs', () => {
    const { engine } = holder
    const leaves = [leaf(engine, 3), leaf(engine, 4)]
    engine.device.withoutRunning(() => {
      gatherLeaves(leaves)
    })
    expect(leaves[0]!.place).toBeUndefined()
  })

  test('share no more than a binding holds', () => {
    const { engine } = tiny
    const leaves = Array.from({ length: 5 }, () => leaf(engine, 6_000)) // two of them fit 64 KiB
    gatherLeaves(leaves)
    expect(leaves.map(({ place }) => place?.index)).toEqual([0, 1, 0, 1, undefined])
    expect(leaves[0]!.place!.block.size * 4).toBeLessThanOrEqual(2 ** 16)
  })

  test('give their memory back when the last one is gone', () => {
    const { engine } = holder
    const leaves = [10, 20].map((size) => leaf(engine, size))
    gatherLeaves(leaves)
    const before = engine.memory().inUse
    leaves[0]!.handle.release('the test')
    expect(engine.memory().inUse).toBe(before)
    leaves[1]!.handle.release('the test')
    expect(engine.memory().inUse).toBeLessThan(before)
  })
})

describe('their gradients', () => {
  function setUp() {
    const { engine } = holder
    const weight = engine.tensor(testValues(12), [4, 3], { requiresGrad: true })
    const bias = engine.tensor(testValues(4), [4], { requiresGrad: true })
    held.push(weight, bias)
    gatherLeaves([weight, bias])
    const input = engine.tensor(testValues(6), [2, 3])
    const backward = () => {
      engine.scope(() => {
        sum(linear(input, weight, bias)).backward()
      })
    }
    return { engine, weight, bias, backward }
  }

  test('lie in the same places of a buffer that is returned with the last of them', () => {
    const { engine, weight, bias, backward } = setUp()
    const before = engine.memory().inUse
    backward()
    expect(weight.grad!.buffer.id).toBe(bias.grad!.buffer.id)
    expect(bias.grad!.buffer.gpuOffset - weight.grad!.buffer.gpuOffset).toBe(
      bias.buffer.gpuOffset - weight.buffer.gpuOffset,
    )
    weight.grad = undefined
    expect(engine.memory().inUse).toBeGreaterThan(before)
    bias.grad = undefined
    expect(engine.memory().inUse).toBe(before)
  })

  test('of a leaf that is used twice add up', async () => {
    const { engine, weight, bias } = setUp()
    engine.scope(() => {
      const input = engine.tensor(testValues(6), [2, 3])
      const twice = [linear(input, weight, bias), linear(input, weight, bias)]
      for (const result of twice) sum(result).backward()
    })
    expect(await bias.grad!.toArray()).toEqual(Float32Array.of(4, 4, 4, 4))
  })
})
