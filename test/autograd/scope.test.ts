/** Scopes: who survives them, and that memory comes back when something goes wrong in the middle. */
import { describe, expect, test } from 'vitest'
import { differentiable } from '../../src/autograd/tape.js'
import { relu } from '../../src/autograd/ops/relu.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { AutogradError } from '../../src/device/errors.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const bytes = 1024

describe('a scope', () => {
  test.each([
    ['a tensor', (tensor: Tensor): unknown => tensor, 1],
    ['an array', (tensor: Tensor): unknown => [1, tensor], 1],
    ['an object of arrays', (tensor: Tensor): unknown => ({ nested: { deep: [tensor] } }), 1],
    ['a map', (tensor: Tensor): unknown => new Map([['key', tensor]]), 1],
    ['the same tensor twice', (tensor: Tensor): unknown => [tensor, tensor], 1],
    ['nothing', (): unknown => undefined, 0],
    ['an instance of some class', (tensor: Tensor): unknown => new (class Holder { held = tensor })(), 0], // prettier-ignore
  ])('that returns %s', (_name, result, survivors) => {
    const { engine } = holder
    const before = engine.memory().inUse
    engine.scope(() => {
      engine.scope(() => {
        engine.zeros([256])
        return result(engine.zeros([256]))
      })
      expect(engine.memory().inUse - before).toBe(survivors * bytes)
    })
    expect(engine.memory().inUse).toBe(before) // the scope outside takes over what the inner one returns
  })

  test('does not end tensors from outside of it, or those that are kept', () => {
    const { engine } = holder
    const outer = engine.zeros([256])
    const kept = engine.scope(() => {
      const tensor = engine.zeros([256])
      engine.scopes.keep(tensor)
      return { inner: tensor, outer }
    })
    expect([outer.handle.released, kept.inner.handle.released]).toEqual([false, false])
  })

  test('says which end returned a tensor', () => {
    const { engine } = holder
    let tensor: Tensor | undefined
    engine.scope(() => {
      tensor = engine.zeros([2])
    })
    expect(() => relu(tensor!)).toThrow(/was returned by the end of the scope/)
  })
})

describe('when something throws', () => {
  test('scopes return everything, from the inside out', () => {
    const { engine } = holder
    const leaf = engine.tensor(new Float32Array(256), [256], { requiresGrad: true })
    const before = engine.memory().inUse
    const body = () => {
      const outside = relu(leaf)
      return engine.scope(() => {
        relu(relu(outside))
        throw new Error('mine')
      })
    }
    expect(() => engine.scope(body)).toThrow('mine')
    expect(engine.memory().inUse).toBe(before)
    engine.scope(() => expect(engine.memory().inUse).toBe(before)) // the stack of scopes is in order
  })

  test('a gradient rule that fails leaves nothing behind but the tape, and gradients are recorded again', () => {
    const { engine } = holder
    const leaf = engine.tensor(new Float32Array(256), [256], { requiresGrad: true })
    const before = engine.memory().inUse
    engine.scope(() => {
      const failing = differentiable({
        name: 'failing',
        inputs: { input: relu(leaf) },
        output: engine.zeros([256]),
        gradients: () => {
          engine.zeros([256])
          throw new Error('mine')
        },
      })
      const output = relu(failing)
      expect(() => output.backward({ gradient: engine.ones([256]) })).toThrow('mine')
      expect(engine.gradEnabled).toBe(true)
    })
    expect(engine.memory().inUse).toBe(before)
    expect(leaf.grad).toBeUndefined()
  })

  test('an asynchronous function is refused, and what it made is returned', () => {
    const { engine } = holder
    const before = engine.memory().inUse
    const body = () => Promise.resolve(engine.zeros([256]))
    expect(() => engine.scope(body)).toThrow(AutogradError)
    expect(engine.memory().inUse).toBe(before)
    expect(() => engine.noGrad(() => Promise.resolve())).toThrow(/synchronous/)
    expect(engine.gradEnabled).toBe(true)
  })
})
