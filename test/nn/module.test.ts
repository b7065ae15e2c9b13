import { describe, expect, test } from 'vitest'
import type { Tensor } from '../../src/autograd/tensor.js'
import { BatchNorm2d, Conv2d, Dropout, Linear, Module, ReLU, Sequential } from '../../src/nn/index.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

/** A module with everything in it: a parameter and a buffer of its own, children, and a child that is used twice. */
class Example extends Module {
  readonly conv = new Conv2d(this.engine, 1, 2, 3, { padding: 1 })
  readonly bn = new BatchNorm2d(this.engine, 2)
  readonly relu = new ReLU(this.engine)
  readonly tail: Sequential
  readonly sameRelu = this.relu
  readonly missing: Module | undefined
  readonly scale: Tensor
  readonly notAModule = { forward: 1 }

  constructor(...[engine]: ConstructorParameters<typeof ReLU>) {
    super(engine)
    this.tail = new Sequential(engine, [new Conv2d(engine, 2, 3, 1, { bias: false }), new Dropout(engine)])
    this.scale = this.registerParameter('scale', engine.ones([1]))
    this.registerBuffer('offset', engine.zeros([1]))
  }

  override forward(input: Tensor): Tensor {
    return this.tail.call(this.relu.call(this.bn.call(this.conv.call(input))))
  }
}

describe('the tree', () => {
  test('names children in the order of their declaration, each module once', () => {
    const model = new Example(holder.engine)
    expect([...model.children.keys()]).toEqual(['conv', 'bn', 'relu', 'tail', 'sameRelu'])
    expect([...model.namedModules().keys()]).toEqual(['', 'conv', 'bn', 'relu', 'tail', 'tail.0', 'tail.1'])
  })

  test('names parameters and buffers as torchvision does', () => {
    const model = new Example(holder.engine)
    expect([...model.namedParameters().keys()]).toEqual([
      'scale',
      'conv.weight',
      'conv.bias',
      'bn.weight',
      'bn.bias',
      'tail.0.weight',
    ])
    expect([...model.namedBuffers().keys()]).toEqual(['offset', 'bn.running_mean', 'bn.running_var'])
    expect(model.parameters()).toEqual([...model.namedParameters().values()])
    expect(model.namedParameters().get('tail.0.weight')!.shape).toEqual([1, 1, 2, 3])
  })

  test('sees a child that was replaced', () => {
    const { engine } = holder
    const chain = new Sequential(engine, { first: new Linear(engine, 3, 2), last: new Linear(engine, 2, 2) })
    chain.replace('last', new Linear(engine, 2, 5))
    expect([...chain.namedParameters()].map(([name, { shape }]) => [name, shape])).toEqual([
      ['first.weight', [2, 3]],
      ['first.bias', [2]],
      ['last.weight', [5, 2]],
      ['last.bias', [5]],
    ])
    expect(chain.at(-1)).toBe(chain.at('last'))
    expect(chain.length).toBe(2)
    expect(() => chain.at(2)).toThrow('Sequential: expected one of first, last, got 2')
  })
})

test('train() and eval() reach every module', () => {
  const model = new Example(holder.engine)
  const modes = () => new Set([...model.namedModules().values()].map(({ training }) => training))
  expect(modes()).toEqual(new Set([true]))
  expect(model.eval()).toBe(model)
  expect(modes()).toEqual(new Set([false]))
  model.train()
  expect(modes()).toEqual(new Set([true]))
})

test('parameters are trainable leaves that outlive the scope they were made in', async () => {
  const { engine } = holder
  const layer = engine.scope(() => new Linear(engine, 2, 1))
  expect(layer.weight.requiresGrad && layer.weight.isLeaf).toBe(true)
  expect(await layer.weight.toArray()).toHaveLength(2)
})

test('hooks see each run, with its input and output, until they are removed', () => {
  const { engine } = holder
  const model = new Sequential(engine, [new ReLU(engine), new ReLU(engine)])
  const seen: unknown[] = []
  const layer = model.at(1)
  const remove = layer.onForward((module, input, output) => seen.push([module, input, output]))
  const input = engine.tensor([-1, 2])
  const output = model.call(input)
  expect(seen).toEqual([[layer, expect.anything(), output]])
  remove()
  model.call(input)
  expect(seen).toHaveLength(1)
})

test('dispose() returns the memory of parameters, buffers and gradients', () => {
  const { engine } = holder
  const before = engine.memory().inUse
  const layer = new BatchNorm2d(engine, 1000)
  layer.call(engine.zeros([2, 1, 1, 1000])).backward({ gradient: engine.ones([2, 1, 1, 1000]) })
  engine.scope(() => 0)
  layer.dispose()
  expect(() => layer.weight.buffer).toThrow('dispose() of its module')
  expect(engine.memory().inUse - before).toBeLessThan(40_000) // the tensors that the test itself made
})
