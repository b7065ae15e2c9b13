/** The engine: tensors in and out, seeds, and devices that somebody else has opened. */
import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { relu } from '../../src/autograd/ops/relu.js'
import { OptionError, OutOfMemoryError, ShapeError } from '../../src/device/errors.js'
import { openDevice } from '../../src/device/node.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

describe('tensor', () => {
  test.each([
    ['f32', Float32Array.of(1.5, -2, 3)],
    ['i32', Int32Array.of(-1, 2 ** 31 - 1, 0)],
    ['u32', Uint32Array.of(0, 2 ** 32 - 1, 7)],
    ['u8', Uint8Array.of(0, 255, 7)],
  ] as const)('takes its type %s from the array, and gives the values back', async (dtype, values) => {
    const tensor = holder.engine.tensor(values)
    expect([tensor.dtype, tensor.shape, tensor.size]).toEqual([dtype, [3], 3])
    expect(await tensor.toArray()).toEqual(values)
    tensor.set([1, 2, 3])
    expect([...(await tensor.toArray())]).toEqual([1, 2, 3])
  })

  test('converts numbers to the type that is asked for', async () => {
    const { engine } = holder
    expect(await engine.tensor([1, 2], [2, 1], { dtype: 'i32' }).toArray()).toEqual(Int32Array.of(1, 2))
    expect(await engine.tensor([0.1]).item()).toBe(Math.fround(0.1))
  })

  test('NaN, infinities and negative zero come back as they are', async () => {
    const values = [NaN, Infinity, -Infinity, -0]
    expect([...(await holder.engine.tensor(values).toArray())]).toEqual(values)
  })

  test('refuses values that do not fill the shape, and shapes without elements', async () => {
    const { engine } = holder
    expect(() => engine.tensor([1, 2, 3], [2, 2])).toThrow('tensor: expected 4 values for [2, 2], got 3 values')
    expect(() => engine.tensor([], [0])).toThrow(ShapeError)
    expect(() => engine.zeros([2, -1])).toThrow(ShapeError)
    expect(() => engine.zeros([2]).set([1])).toThrow(/2 values/)
    await expect(engine.zeros([2]).item()).rejects.toThrow(/one element/)
    expect(() => engine.tensor(Int32Array.of(1), [1], { requiresGrad: true })).toThrow(/only f32/)
  })

  test('does not share the array of its shape with the caller', () => {
    const shape = [2, 3]
    const tensor = holder.engine.zeros(shape)
    shape[0] = 9
    expect(tensor.shape).toEqual([2, 3])
  })
})

describe('createEngine', () => {
  test('works on a device that somebody else has opened, with its limits', async () => {
    const host = await openDevice()
    const engine = await createEngine({ device: host.device, memoryLimit: 2 ** 20 })
    const { adapter, limits } = engine.device
    expect(adapter.source).toBe('given')
    expect(adapter.name).not.toBe('')
    expect(limits.workgroupsPerDimension).toBe(host.device.limits.maxComputeWorkgroupsPerDimension)
    const leaf = engine.tensor([-1, 2], [2], { requiresGrad: true })
    relu(leaf).backward({ gradient: engine.ones([2]) })
    expect([...(await leaf.grad!.toArray())]).toEqual([0, 1])
    expect(() => engine.zeros([2 ** 20])).toThrow(OutOfMemoryError)
    engine.destroy()
    await host.device.lost
  })

  test('two engines do not disturb each other', async () => {
    const [first, second] = await Promise.all([createEngine(), createEngine()])
    const [a, b] = [first.tensor([1]), second.tensor([2])]
    first.destroy()
    expect(await b.item()).toBe(2)
    await expect(a.item()).rejects.toThrow(/lost/)
    second.destroy()
  })

  test('takes a seed, and refuses one that is none', async () => {
    const engine = await createEngine({ seed: 11 })
    expect(engine.random.state).toEqual({ seed: 11, stream: 0 })
    expect(() => engine.manualSeed(-1)).toThrow(OptionError)
    engine.destroy()
  })
})
