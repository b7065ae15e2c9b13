import { expect, test } from 'vitest'
import type { Tensor } from '../../src/autograd/tensor.js'
import { bucketSize } from '../../src/device/pool.js'
import {
  BatchNorm2d,
  chain,
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  Flatten,
  Identity,
  Linear,
  ReLU,
  Sequential,
} from '../../src/nn/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

/** Held for the whole file: garbage collection would return its memory in the middle of a measurement. */
const held: unknown[] = []

function setUp() {
  const { engine } = holder
  const model = new Sequential(engine, {
    conv: new Conv2d(engine, 3, 8, 3, { padding: 1 }),
    bn: new BatchNorm2d(engine, 8),
    relu: new ReLU(engine),
    identity: new Identity(engine),
    dropout: new Dropout(engine),
    flatten: new Flatten(engine),
    fc: new Linear(engine, 8 * 16 * 16, 10),
  })
  const input = engine.tensor(testValues(4 * 16 * 16 * 3), [4, 16, 16, 3])
  const labels = engine.tensor(Int32Array.of(1, 5, 0, 9))
  held.push(model, input, labels)
  return { engine, model, input, labels }
}

test('after a forward pass without gradients only the output is in use', () => {
  const { engine, model, input } = setUp()
  for (const mode of [true, false]) {
    model.train(mode)
    engine.scope(() => engine.noGrad(() => model.call(input))) // packs what later runs find with the weights
    const before = engine.memory().inUse
    const output = engine.noGrad(() => model.call(input))
    held.push(output)
    expect(engine.memory().inUse - before).toBe(bucketSize(4 * 10 * 4))
  }
})

test('after a forward pass with gradients what the tape saved is in use until backward() has passed it', () => {
  const { engine, model, input, labels } = setUp()
  const gradients = () => model.parameters().reduce((sum, { grad }) => sum + (grad ? bucketSize(grad.size * 4) : 0), 0)
  const before = engine.memory().inUse
  engine.scope(() => {
    const loss = new CrossEntropyLoss().call(model.call(input), labels)
    expect(engine.memory().inUse - before).toBeGreaterThan(4 * 16 * 16 * 8 * 4)
    loss.backward()
    expect(engine.memory().inUse - before).toBe(gradients() + bucketSize(4)) // and the loss itself
  })
  expect(engine.memory().inUse - before).toBe(gradients())
})

test('after a training step memory in use is back, and after some steps nothing more is reserved', async () => {
  const { engine, model, input, labels } = setUp()
  const step = () =>
    engine.scope(() => {
      for (const parameter of model.parameters()) parameter.grad = undefined
      new CrossEntropyLoss().call(model.call(input), labels).backward()
    })
  step()
  step()
  await engine.idle()
  const { inUse, reserved } = engine.memory()
  for (let i = 0; i < 5; i++) {
    step()
    expect(engine.memory().inUse).toBe(inUse)
  }
  expect(engine.memory().reserved).toBe(reserved)
})

test('a tape that nobody passes gives its memory back with the output', () => {
  const { engine, model, input } = setUp()
  const before = engine.memory().inUse
  engine.scope(() => {
    model.call(input)
  })
  expect(engine.memory().inUse).toBe(before)
})

test('a long chain needs no more than two tensors at a time', () => {
  const { engine } = holder
  const layers = Array.from({ length: 20 }, () => new ReLU(engine))
  const input = engine.zeros([1, 1000, 1000, 1])
  const size = bucketSize(4_000_000)
  const peaks = (run: () => Tensor) => {
    const most: number[] = []
    const before = engine.memory().inUse
    const removals = layers.map((layer) => layer.onForward(() => most.push(engine.memory().inUse - before)))
    held.push(engine.noGrad(run))
    for (const remove of removals) remove()
    return Math.max(...most)
  }
  expect(peaks(() => new Sequential(engine, layers).call(input))).toBe(2 * size)
  expect(peaks(() => engine.scope(() => chain(input, ...layers)))).toBe(2 * size)
})

test('a chain returns its input where it is only passed on', async () => {
  const { engine } = holder
  const input = engine.tensor([1, 2])
  const output = engine.scope(() => chain(input, new Identity(engine), new Identity(engine)))
  expect(output).toBe(input)
  expect(await input.toArray()).toEqual(Float32Array.of(1, 2))
})
