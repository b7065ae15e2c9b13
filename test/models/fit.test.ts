import { describe, expect, test } from 'vitest'
import { WeightsError } from '../../src/device/errors.js'
import { createModel, fitTensors } from '../../src/models/index.js'
import { storedArrays } from '../../src/weights/stored-arrays.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

describe('fitTensors', () => {
  test("gives a network's tensors in its order, whatever the order and the number of classes", async () => {
    const model = await createModel(holder.engine, 'resnet18', { numClasses: 3 })
    const stateDict = await model.stateDict()
    const shuffled = storedArrays(new Map([...stateDict].reverse()))
    const { tensors } = await fitTensors(holder.engine, 'resnet18', shuffled)
    expect([...tensors.keys()]).toEqual([...stateDict.keys()])
    for (const [name, tensor] of tensors) expect(await tensor.read()).toBe(stateDict.get(name))
  })

  test('completes counters, and nothing else', async () => {
    const stateDict = await (await createModel(holder.engine, 'resnet18')).stateDict()
    stateDict.delete('bn1.num_batches_tracked')
    const { tensors } = await fitTensors(holder.engine, 'resnet18', storedArrays(stateDict))
    expect(await tensors.get('bn1.num_batches_tracked')?.read()).toEqual({
      shape: [],
      dtype: 'int64',
      data: new BigInt64Array(1),
    })
    stateDict.delete('bn1.bias')
    const failure = fitTensors(holder.engine, 'resnet18', storedArrays(stateDict), 'net.pth')
    await expect(failure).rejects.toThrow(WeightsError)
    await expect(failure).rejects.toThrow('net.pth: tensor "bn1.bias": expected exactly the tensors of resnet18')
  })

  test('returns its memory', async () => {
    const before = holder.engine.memory().inUse
    await fitTensors(holder.engine, 'resnet18', new Map()).catch(() => undefined)
    expect(holder.engine.memory().inUse).toBe(before)
  })
})
