/** The tests that every pooling operation gets besides its golden values. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { testValues } from './compare.js'
import { useEngine } from './engine.js'

type Pool = (input: Tensor) => Tensor

/** Declares that `pool` gives the same bits twice, and on a device whose bindings hold a part of the batch only. */
export function poolInPiecesSuite(holder: { readonly engine: Engine }, pool: Pool): void {
  describe('in pieces', () => {
    const shape = [7, 12, 10, 16] // 7.5 KiB each: two bindings of 32 KiB
    const lesser = useEngine({
      requiredLimits: {
        maxStorageBufferBindingSize: 32768,
        maxComputeInvocationsPerWorkgroup: 64,
        maxComputeWorkgroupSizeX: 64,
        maxComputeWorkgroupsPerDimension: 20,
      },
    })

    test('twice the same bits', async () => {
      expect(await results(holder.engine, shape, pool)).toEqual(await results(holder.engine, shape, pool))
    })

    test('the same bits on a lesser device', async () => {
      expect(lesser.engine.device.limits.bindingSize).toBe(32768)
      expect(await results(lesser.engine, shape, pool)).toEqual(await results(holder.engine, shape, pool))
    })
  })
}

async function results(engine: Engine, shape: readonly number[], pool: Pool) {
  const values = testValues(shape.reduce((a, b) => a * b))
  const input = engine.tensor(values, shape, { requiresGrad: true })
  const output = pool(input)
  const outputValues = await output.toArray()
  output.backward({ gradient: engine.tensor(testValues(output.size, 2), output.shape) })
  return [outputValues, await input.grad!.toArray()]
}
