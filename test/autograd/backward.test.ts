/** The tape: gradients reach the leaves, memory comes back, misuse is an error that explains itself. */
import { describe, expect, test } from 'vitest'
import { relu } from '../../src/autograd/ops/relu.js'
import { AutogradError, ShapeError } from '../../src/device/errors.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

describe('backward', () => {
  test('reaches a leaf through two operations', async () => {
    const { engine } = holder
    const leaf = engine.tensor([-1, 2, 3], [3], { requiresGrad: true })
    relu(relu(leaf)).backward({ gradient: engine.tensor([10, 20, 30]) })
    expect([...(await leaf.grad!.toArray())]).toEqual([0, 20, 30])
  })

  test('adds to a gradient that is there, until it is removed', async () => {
    const { engine } = holder
    const leaf = engine.tensor([1, -1], [2], { requiresGrad: true })
    for (let i = 0; i < 3; i++) relu(leaf).backward({ gradient: engine.tensor([1, 1]) })
    expect([...(await leaf.grad!.toArray())]).toEqual([3, 0])
    leaf.grad = undefined
    relu(leaf).backward({ gradient: engine.tensor([5, 5]) })
    expect([...(await leaf.grad!.toArray())]).toEqual([5, 0])
  })

  test('leaves the upstream gradient of the caller alone', async () => {
    const { engine } = holder
    const upstream = engine.tensor([1, 2])
    const leaf = engine.tensor([1, 1], [2], { requiresGrad: true })
    leaf.backward({ gradient: upstream })
    leaf.backward({ gradient: upstream })
    expect([...(await upstream.toArray())]).toEqual([1, 2])
    expect([...(await leaf.grad!.toArray())]).toEqual([2, 4])
  })

  test('a second pass needs retainGraph', () => {
    const { engine } = holder
    const leaf = engine.tensor([1], [1], { requiresGrad: true })
    const kept = relu(leaf)
    kept.backward({ retainGraph: true })
    kept.backward()
    expect(() => kept.backward()).toThrow(AutogradError)
    expect(() => kept.backward()).toThrow(/relu a second time.*retainGraph/)
  })

  test('an in-place write to a saved tensor is an error', () => {
    const { engine } = holder
    const leaf = engine.tensor([1, 2], [2], { requiresGrad: true })
    const output = relu(leaf)
    engine.noGrad(() => output.detach().set([5, 5]))
    expect(() => output.backward({ gradient: engine.ones([2]) })).toThrow(/relu saved its "output".*modified in place/)
  })

  test('an in-place write to a trainable leaf needs noGrad', () => {
    const { engine } = holder
    const leaf = engine.tensor([1, 2], [2], { requiresGrad: true })
    expect(() => leaf.set([0, 0])).toThrow(/requires gradients and cannot be modified in place/)
    engine.noGrad(() => leaf.set([0, 0]))
  })

  test('a tensor that backward passed says so when it is read', async () => {
    const { engine } = holder
    const leaf = engine.tensor([1, 2], [2], { requiresGrad: true })
    const middle = relu(leaf)
    const kept = middle.detach()
    relu(middle).backward({ gradient: engine.ones([2]) })
    await expect(middle.toArray()).rejects.toThrow(/was returned by backward\(\).*detach/)
    expect([...(await kept.toArray())]).toEqual([1, 2])
  })

  test('a tensor that depends on no trainable leaf is an error', () => {
    const { engine } = holder
    expect(() => relu(engine.tensor([1])).backward()).toThrow(/does not depend on any tensor/)
  })

  test('a root with several elements needs a gradient of its shape', () => {
    const { engine } = holder
    const output = relu(engine.tensor([1, 2], [2], { requiresGrad: true }))
    expect(() => output.backward()).toThrow(ShapeError)
    expect(() => output.backward({ gradient: engine.ones([3]) })).toThrow(/\[2\], got \[3\]/)
  })

  test('noGrad records nothing, detach cuts the history', () => {
    const { engine } = holder
    const leaf = engine.tensor([1], [1], { requiresGrad: true })
    expect(engine.noGrad(() => relu(leaf)).requiresGrad).toBe(false)
    expect(relu(leaf).detach().requiresGrad).toBe(false)
    expect(relu(leaf).requiresGrad).toBe(true)
  })
})

describe('memory', () => {
  test('a scope returns what it made, except its result', async () => {
    const { engine } = holder
    const before = engine.memory().inUse
    const result = engine.scope(() => {
      const input = engine.full([1000], 3)
      return relu(relu(input))
    })
    expect(engine.memory().inUse - before).toBe(4096)
    expect((await result.toArray())[999]).toBe(3)
    result.handle.release('the test')
    expect(engine.memory().inUse).toBe(before)
  })

  test('a graph that nobody can reach returns what it saved', () => {
    const { engine } = holder
    const leaf = engine.tensor(new Float32Array(1000), [1000], { requiresGrad: true })
    const before = engine.memory().inUse
    engine.scope(() => {
      relu(relu(leaf))
    })
    expect(engine.memory().inUse).toBe(before)
  })

  test('saved activations survive the scope that made them', async () => {
    const { engine } = holder
    const leaf = engine.tensor([-1, 1], [2], { requiresGrad: true })
    const output = engine.scope(() => relu(relu(leaf)))
    output.backward({ gradient: engine.ones([2]) })
    expect([...(await leaf.grad!.toArray())]).toEqual([0, 1])
  })

  test('repeated steps reserve nothing new', () => {
    const { engine } = holder
    const leaf = engine.tensor(new Float32Array(1000), [1000], { requiresGrad: true })
    const step = () =>
      engine.scope(() => {
        relu(relu(leaf)).backward({ gradient: engine.ones([1000]) })
        leaf.grad = undefined
      })
    step()
    const { reserved, inUse } = engine.memory()
    for (let i = 0; i < 100; i++) step()
    expect(engine.memory()).toMatchObject({ reserved, inUse })
  })

  test('a scope refuses an asynchronous function', () => {
    const { engine } = holder
    expect(() => engine.scope(() => Promise.resolve(1))).toThrow(/synchronous/)
  })
})
