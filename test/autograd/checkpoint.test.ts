/** Checkpointing: the same bits, less memory, and nothing that happens twice. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { add, checkpoint, crossEntropy, dropout, mul, relu, sum } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { AutogradError, ShapeError } from '../../src/device/errors.js'
import { type Classifier, createModel, resnet18 } from '../../src/models/index.js'
import { BatchNorm2d, Conv2d, Dropout, MaxPool2d, ReLU, Sequential } from '../../src/nn/index.js'
import { adam } from '../../src/optim/index.js'
import { PlannedStep } from '../../src/training/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

const leaf = (values: number[]) => holder.engine.tensor(values, [values.length], { requiresGrad: true })

async function gradientsOf(body: (x: Tensor, y: Tensor) => Tensor, checkpointed: boolean) {
  const [x, y] = [leaf([1, -2, 3]), leaf([4, 5, -6])]
  const result = checkpointed ? checkpoint((a, b) => body(a, b), x, y) : body(x, y)
  sum(mul(result, leaf([1, 2, 3]))).backward()
  return [await x.grad!.toArray(), await y.grad!.toArray()]
}

describe('checkpoint', () => {
  test.each<[string, (x: Tensor, y: Tensor) => Tensor]>([
    ['a chain', (x, y) => relu(mul(add(x, y), y))],
    ['an input that is used several times', (x, y) => add(mul(x, x), add(x, mul(x, y)))],
    ['an inner checkpoint', (x, y) => checkpoint((a) => mul(relu(a), y), mul(x, y))],
  ])('gives the gradients of the function: %s', async (_name, body) => {
    expect(await gradientsOf(body, true)).toEqual(await gradientsOf(body, false))
  })

  test('parameters get gradients where no input has one', async () => {
    const { engine } = holder
    const weight = leaf([2, 3])
    const input = engine.tensor([5, 7])
    const result = checkpoint((x) => mul(x, weight), input)
    expect(result.requiresGrad).toBe(true)
    sum(result).backward()
    expect([...(await weight.grad!.toArray())]).toEqual([5, 7])
    expect(input.grad).toBeUndefined()
  })

  test('runs the function once, without a tape, where nothing needs a gradient', () => {
    const { engine } = holder
    let runs = 0
    const body = (x?: Tensor) => (runs++, relu(x!))
    expect(checkpoint(body, engine.tensor([1])).requiresGrad).toBe(false)
    const x = leaf([1])
    expect(engine.noGrad(() => checkpoint(body, x)).requiresGrad).toBe(false)
    expect(runs).toBe(2)
    expect(checkpoint((y) => y, x)).toBe(x)
  })

  test('keeps inputs only', () => {
    const { engine } = holder
    const x = engine.tensor(testValues(1 << 16), [1 << 16], { requiresGrad: true })
    const body = (y?: Tensor) => relu(mul(relu(mul(y!, y!)), y!))
    const kept = (run: () => Tensor) =>
      engine.scope(() => {
        const before = engine.memory().inUse
        const result = run()
        const after = engine.memory().inUse - before
        sum(result).backward()
        return after / x.buffer.byteLength
      })
    const [without, with_] = [kept(() => body(x)), kept(() => checkpoint(body, x))]
    expect(with_).toBe(1) // the result
    expect(without).toBeGreaterThan(2)
  })

  test('a second backward pass computes it again', async () => {
    const x = leaf([2])
    const result = checkpoint((y) => mul(y, y), x)
    result.backward({ retainGraph: true })
    result.backward()
    expect([...(await x.grad!.toArray())]).toEqual([8])
    expect(() => result.backward()).toThrow(AutogradError)
  })

  test('drops the same elements, and leaves the generator where one run leaves it', async () => {
    const { engine } = holder
    const x = engine.tensor(new Float32Array(1000).fill(1), [1000], { requiresGrad: true })
    const { state } = engine.random
    const result = checkpoint((y) => checkpoint((z) => dropout(z), dropout(y)), x)
    const stream = engine.random.state.stream
    const values = await result.toArray()
    result.backward({ gradient: engine.ones([1000]) })
    expect(await x.grad!.toArray()).toEqual(values)
    expect(engine.random.state.stream).toBe(stream)
    expect(stream - state.stream).toBe(2)
  })

  test('a function that gives something else the second time is an error, and the engine goes on', async () => {
    const { engine } = holder
    let runs = 0
    const x = leaf([1, 2])
    const other = checkpoint((y) => (runs++ === 0 ? relu(y) : sum(y)), x)
    expect(() => other.backward({ gradient: engine.ones([2]) })).toThrow(ShapeError)
    const without = checkpoint((y) => (runs++ === 1 ? relu(y) : engine.ones([2])), leaf([1, 2]))
    expect(() => without.backward({ gradient: engine.ones([2]) })).toThrow(AutogradError)
    const draws = checkpoint((y) => (runs++ === 3 ? relu(y) : dropout(relu(y))), leaf([1, 2]))
    expect(() => draws.backward({ gradient: engine.ones([2]) })).toThrow('draws more random numbers')
    expect(engine.gradEnabled).toBe(true)
    expect(engine.recomputation.active).toBe(false)
    const throwing = checkpoint(
      (y) => {
        if (runs++ === 5) return relu(y)
        throw new Error('no more')
      },
      leaf([1]),
    )
    expect(() => throwing.backward()).toThrow('no more')
    const y = leaf([3])
    relu(y).backward()
    expect([...(await y.grad!.toArray())]).toEqual([1])
  })
})

/** A network with everything that has a state: batch norms, dropout. */
function withState(engine: Engine): Sequential {
  engine.manualSeed(7)
  return new Sequential(engine, [
    new Conv2d(engine, 3, 8, 3, { padding: 1 }),
    new BatchNorm2d(engine, 8),
    new ReLU(engine),
    new Dropout(engine, { p: 0.3 }),
    new MaxPool2d(engine, 2),
    new Conv2d(engine, 8, 8, 3, { padding: 1 }),
    new BatchNorm2d(engine, 8),
    new ReLU(engine),
  ])
}

test.each([false, true])('stages of a Sequential: the same parameters and statistics, planned: %s', async (plan) => {
  const { engine } = holder
  const states: unknown[] = []
  for (const stages of [[], [5]]) {
    const model = withState(engine)
    model.checkpointStages = stages
    const optimizer = adam(model.trainableParameters(), { lr: 0.01 })
    const step = new PlannedStep({
      model,
      optimizer,
      plan,
      step: (images) => {
        sum(model.call(images)).backward()
        optimizer.step()
        optimizer.zeroGrad()
      },
    })
    for (let i = 0; i < 4; i++) {
      step.run({ values: testValues(2 * 8 * 8 * 3, i), shape: [2, 8, 8, 3], dtype: 'f32' })
    }
    states.push(await model.stateDict())
    step.release()
  }
  expect(states[1]).toEqual(states[0])
})

/** Two steps: the state after them, and the bytes that wait for the backward pass. */
async function trained(model: Classifier, shape: readonly number[]) {
  const { engine } = model
  const optimizer = adam(model.trainableParameters(), { lr: 0.01 })
  optimizer.prepare()
  const images = engine.tensor(testValues(shape.reduce((a, b) => a * b)), shape)
  const labels = engine.tensor(Int32Array.from({ length: shape[0]! }, (_, i) => i % 10))
  let kept = 0
  for (let i = 0; i < 2; i++) {
    engine.scope(() => {
      const before = engine.memory().inUse
      const loss = crossEntropy(model.call(images), labels)
      kept = engine.memory().inUse - before
      loss.backward()
      optimizer.step()
      optimizer.zeroGrad()
    })
  }
  return { state: await model.stateDict(), kept }
}

describe('models', () => {
  test('ResNet-18 trains with the same bits and keeps less than half', { timeout: 120_000 }, async () => {
    const { engine } = holder
    const results = []
    for (const enabled of [false, true]) {
      engine.manualSeed(3)
      const model = (await resnet18(engine, { numClasses: 10 })).checkpointActivations(enabled)
      results.push(await trained(model.freeze('layer1.0'), [4, 64, 64, 3]))
      model.dispose()
    }
    const [without, checkpointed] = results as [(typeof results)[0], (typeof results)[0]]
    expect(checkpointed.state).toEqual(without.state)
    expect(checkpointed.kept).toBeLessThan(0.5 * without.kept)
  })

  test.each(['minivgg', 'vgg11_bn'])('%s switches it on and off', async (name) => {
    const { engine } = holder
    const model = await engine.device.withoutRunning(() => createModel(engine, name, { numClasses: 10 }))
    const nodes = () => {
      const output = engine.device.withoutRunning(() =>
        model.call(engine.empty([1, 32, 32, name === 'minivgg' ? 1 : 3])),
      )
      const operations = new Set<string>()
      const seen = [output.node]
      for (const node of seen) {
        operations.add(node!.operation)
        for (const edge of node!.edges) if (edge.node) seen.push(edge.node)
      }
      return operations
    }
    expect(nodes()).not.toContain('checkpoint')
    model.checkpointActivations()
    expect(nodes()).toContain('checkpoint')
    expect(nodes()).not.toContain('maxPool2d')
    model.checkpointActivations(false)
    expect(nodes()).not.toContain('checkpoint')
    model.dispose()
  })
})
