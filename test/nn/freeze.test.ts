import { beforeEach, describe, expect, test } from 'vitest'
import { sum } from '../../src/autograd/ops/reduce.js'
import { OptionError } from '../../src/device/errors.js'
import { BatchNorm2d, Conv2d, Linear, Flatten, Sequential } from '../../src/nn/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
let model: Sequential

beforeEach(() => {
  const { engine } = holder
  model = new Sequential(engine, {
    stem: new Conv2d(engine, 1, 2, 3),
    body: new Sequential(engine, [new BatchNorm2d(engine, 2), new Conv2d(engine, 2, 2, 1), new BatchNorm2d(engine, 2)]),
    flatten: new Flatten(engine),
    head: new Linear(engine, 18, 3),
  })
})

const trainable = () =>
  [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad).map(([name]) => name)
const frozenNorms = () =>
  [...model.namedModules()].filter(([, module]) => module instanceof BatchNorm2d && module.frozen).map(([name]) => name)
const input = () => holder.engine.tensor(testValues(50), [2, 5, 5, 1])

describe('what is frozen', () => {
  test('everything, and back', () => {
    const all = trainable()
    expect(all).toHaveLength(10)
    model.freeze()
    expect(trainable()).toEqual([])
    expect(model.trainableParameters()).toEqual([])
    expect(frozenNorms()).toEqual(['body.0', 'body.2'])
    model.unfreeze()
    expect(trainable()).toEqual(all)
    expect(frozenNorms()).toEqual([])
  })

  test('everything before a child', () => {
    expect(model.freeze({ until: 'head' })).toBe(model)
    expect(trainable()).toEqual(['head.weight', 'head.bias'])
    expect(frozenNorms()).toEqual(['body.0', 'body.2'])
  })

  test('everything before a nested child', () => {
    model.freeze({ until: 'body.1' })
    expect(trainable()).toEqual([
      'body.1.weight',
      'body.1.bias',
      'body.2.weight',
      'body.2.bias',
      'head.weight',
      'head.bias',
    ])
    expect(frozenNorms()).toEqual(['body.0'])
  })

  test('one child', () => {
    model.freeze('body')
    expect(trainable()).toEqual(['stem.weight', 'stem.bias', 'head.weight', 'head.bias'])
    model.unfreeze('body.2')
    expect(trainable()).toEqual([
      'stem.weight',
      'stem.bias',
      'body.2.weight',
      'body.2.bias',
      'head.weight',
      'head.bias',
    ])
    expect(frozenNorms()).toEqual(['body.0'])
  })

  test('everything, but from a child on', () => {
    model.freeze().unfreeze({ from: 'body.2' })
    expect(trainable()).toEqual(['body.2.weight', 'body.2.bias', 'head.weight', 'head.bias'])
    expect(frozenNorms()).toEqual(['body.0'])
  })
})

test('an unknown name lists the known ones', () => {
  expect(() => model.freeze({ until: 'layer9' })).toThrow(OptionError)
  expect(() => model.freeze({ until: 'layer9' })).toThrow(
    'until: expected one of stem, body, flatten, head, got "layer9"',
  )
  expect(() => model.freeze('body.7')).toThrow('freeze: expected one of body.0, body.1, body.2, got "body.7"')
  expect(() => model.unfreeze({ from: 'head.weight' })).toThrow('from: expected nothing below head, got "head.weight"')
  expect(() => model.unfreeze('')).toThrow('unfreeze: expected one of stem')
  expect(trainable()).toHaveLength(10)
})

test('frozen parameters get no gradients, and lose those they had', () => {
  const gradients = () => [...model.namedParameters()].filter(([, { grad }]) => grad).map(([name]) => name)
  sum(model.call(input())).backward()
  expect(gradients()).toHaveLength(10)
  model.freeze({ until: 'head' })
  expect(gradients()).toEqual(['head.weight', 'head.bias'])
  sum(model.call(input())).backward()
  expect(gradients()).toEqual(['head.weight', 'head.bias'])
})

test('nothing is recorded where everything is frozen', () => {
  model.freeze({ until: 'head' })
  let features: unknown
  model.at('flatten').onForward((_module, _input, output) => (features = output.node))
  const output = model.call(input())
  expect(features).toBeUndefined()
  expect(output.node).toBeDefined()
})

test('a frozen batch norm uses its running statistics in training, and leaves them alone', async () => {
  const { engine } = holder
  const layer = new BatchNorm2d(engine, 2)
  const images = engine.tensor(testValues(16, 3), [2, 2, 2, 2])
  layer.call(images)
  expect(layer.numBatchesTracked).toBe(1)
  const before = await layer.runningMean.toArray()
  expect([...before].every((mean) => mean !== 0)).toBe(true)

  layer.freeze().train()
  const frozen = await layer.call(images).toArray()
  expect(await layer.runningMean.toArray()).toEqual(before)
  expect(layer.numBatchesTracked).toBe(1)
  expect(await layer.eval().call(images).toArray()).toEqual(frozen)

  layer.unfreeze().train()
  expect(await layer.call(images).toArray()).not.toEqual(frozen)
  expect(layer.numBatchesTracked).toBe(2)
})
