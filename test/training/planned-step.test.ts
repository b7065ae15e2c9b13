/** Steps written by hand: when they are recorded, when they are replayed, and what they leave behind. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { crossEntropy, mul } from '../../src/autograd/ops/index.js'
import { OptionError } from '../../src/device/errors.js'
import type { Tensor, TensorData } from '../../src/autograd/tensor.js'
import { resnet50 } from '../../src/models/index.js'
import { Dropout, Linear, type Module, Sequential } from '../../src/nn/index.js'
import * as optim from '../../src/optim/index.js'
import { PlannedStep, type PlannedStepOptions } from '../../src/training/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
let model: Sequential
let optimizer: optim.Optimizer
let made: PlannedStep<Tensor>[]
beforeEach(() => {
  const { engine } = holder
  engine.manualSeed(1)
  model = new Sequential(engine, [new Linear(engine, 6, 5), new Dropout(engine, { p: 0.4 }), new Linear(engine, 5, 3)])
  optimizer = optim.adam(model.parameters())
  made = []
})
afterEach(async () => {
  for (const step of made) step.release()
  model.dispose()
  await holder.engine.idle()
})

type Options = Partial<PlannedStepOptions<Tensor>> & {
  readonly clear?: 'before' | 'after' | 'never'
  readonly maxNorm?: number
}

/** A training step that returns its loss, and how often its function was called. */
function makeStep({ clear = 'after', maxNorm, ...options }: Options = {}) {
  const body = vi.fn((inputs?: Tensor, labels?: Tensor) => {
    if (clear === 'before') optimizer.zeroGrad()
    const loss = crossEntropy(model.call(inputs!), labels!)
    loss.backward()
    if (maxNorm !== undefined) optim.clipGradNorm(model.parameters(), maxNorm)
    optimizer.step()
    if (clear === 'after') optimizer.zeroGrad()
    return loss
  })
  const step = new PlannedStep({ model, optimizer, step: body, ...options })
  made.push(step)
  let count = 0
  const run = (rows = 4) =>
    step.run(
      { values: testValues(rows * 6, ++count), shape: [rows, 6], dtype: 'f32' },
      { values: Int32Array.from({ length: rows }, (_, i) => (i + count) % 3), shape: [rows], dtype: 'i32' },
    )
  return { step, body, run }
}

/** The losses of so many steps from the same beginning. */
async function losses(steps: number, options: Options): Promise<number[]> {
  const { engine } = holder
  const { run } = makeStep(options)
  engine.manualSeed(5)
  const seen: number[] = []
  for (let i = 0; i < steps; i++) seen.push(await run().item())
  return seen
}

describe('a step is recorded', () => {
  test('once for each shape of its inputs', () => {
    const { body, run } = makeStep()
    for (const rows of [4, 4, 2, 4, 2, 4]) run(rows)
    expect(body).toHaveBeenCalledTimes(2)
  })

  test.each<[string, () => void]>([
    ['a parameter is frozen', () => model.freeze('0')],
    ['the model is evaluated', () => model.eval()],
    ['a property of a module changes', () => Object.assign(model.children.get('1')!, { p: 0.2 })],
  ])('anew when %s', (_name, change) => {
    const { body, run } = makeStep()
    run()
    run()
    expect(body).toHaveBeenCalledOnce()
    change()
    run()
    run()
    expect(body).toHaveBeenCalledTimes(2)
  })

  test('anew when an option of the optimizer changes that chooses kernels', () => {
    const sgd = optim.sgd(model.parameters(), { lr: 0.1, momentum: 0.9 })
    optimizer = sgd
    const { body, run } = makeStep({ optimizer: sgd })
    run()
    sgd.groups[0]!.momentum = 0.8
    run()
    expect(body).toHaveBeenCalledOnce()
    sgd.groups[0]!.nesterov = true
    run()
    run()
    expect(body).toHaveBeenCalledTimes(2)
  })

  test('not anew when numbers change that are uniforms', () => {
    const { body, run } = makeStep()
    run()
    optimizer.lr = 0.5
    run()
    expect(body).toHaveBeenCalledOnce()
  })

  test('never where a module has a hook, which wants to see every run', () => {
    const { body, run } = makeStep()
    run()
    const seen = vi.fn()
    const remove = model.onForward(seen)
    run()
    run()
    expect(seen).toHaveBeenCalledTimes(2)
    remove()
    run()
    run()
    expect(body).toHaveBeenCalledTimes(4)
  })

  test('in vain at most eight times in a row', () => {
    const { body, run, step } = makeStep({ dependencies: () => [Math.random()] })
    for (let i = 0; i < 12; i++) run()
    expect(body).toHaveBeenCalledTimes(12)
    const { inUse } = holder.engine.memory()
    step.release()
    expect(holder.engine.memory().inUse).toBe(inUse) // nothing was left of the plans
  })
})

async function gradientsOf(module: Module): Promise<(TensorData | undefined)[]> {
  const gradients: (TensorData | undefined)[] = []
  for (const { grad } of module.parameters()) gradients.push(await grad?.toArray())
  return gradients
}

describe('a replay computes what the function would', () => {
  test('with clipped gradients', async () => {
    const initial = await model.stateDict()
    const planned = await losses(4, { maxNorm: 0.1 })
    model.loadStateDict(initial)
    optimizer = optim.adam(model.parameters())
    expect(planned).toEqual(await losses(4, { maxNorm: 0.1, plan: false }))
  })

  test('with every dispatch in a profile', async () => {
    const { device } = holder.engine
    const { step, run } = makeStep()
    run()
    const times = await device.profile(() => void run())
    expect(times).toHaveLength(step.report!.dispatches)
    expect(times.map(({ kernel }) => kernel)).toContain('optimizer/adam')
  })

  test.each(['before', 'after', 'never'] as const)('with gradients that are cleared %s', async (clear) => {
    const initial = await model.stateDict()
    const planned = await losses(6, { clear })
    const gradients = await gradientsOf(model)
    optimizer.zeroGrad()
    model.loadStateDict(initial)
    optimizer = optim.adam(model.parameters())
    expect(planned).toEqual(await losses(6, { clear, plan: false }))
    expect(gradients).toEqual(await gradientsOf(model))
    expect(gradients.every((gradient) => (gradient === undefined) === (clear === 'after'))).toBe(true)
    optimizer.zeroGrad()
  })
})

test('what is returned outlives the scope around the call, until the step is released', async () => {
  const { engine } = holder
  const { run } = makeStep()
  const loss = engine.scope(() => {
    run()
    return run()
  })
  expect(await loss.item()).toBeGreaterThan(0)
  expect(run()).toBe(loss)
})

test('a replay that throws leaves its plan, which can be replayed and released', () => {
  const { engine } = holder
  optimizer.prepare()
  const { inUse } = engine.memory()
  const { run, body, step } = makeStep()
  const { handle } = run()
  optimizer.groups[0]!.lr = -1
  expect(() => run()).toThrow(OptionError)
  optimizer.groups[0]!.lr = 0.1
  run()
  expect(body).toHaveBeenCalledOnce()
  step.release()
  handle.release('the test')
  expect(engine.memory().inUse).toBe(inUse)
})

test('a step that throws leaves no memory behind, and the next one is recorded', () => {
  const { engine } = holder
  const { run, body } = makeStep()
  optimizer.prepare()
  const { inUse } = engine.memory()
  body.mockImplementationOnce((input?: Tensor) => {
    mul(model.call(input!), 2)
    throw new RangeError('in the step')
  })
  expect(() => run()).toThrow()
  expect(engine.memory().inUse).toBe(inUse)
  run()
  run()
  expect(body).toHaveBeenCalledTimes(2)
})

test('a convolution whose weight is loaded anew is packed anew', { timeout: 120_000 }, async () => {
  const { engine } = holder
  const network = await resnet50(engine, { numClasses: 3 })
  network.eval()
  const image = testValues(32 * 32 * 3, 2)
  const input = { values: image, shape: [1, 32, 32, 3], dtype: 'f32' } as const
  const makeForward = (plan: boolean) =>
    new PlannedStep({ model: network, plan, step: (images?: Tensor) => engine.noGrad(() => network.call(images!)) })
  const [planned, eager] = [makeForward(true), makeForward(false)]
  const first = [...(await planned.run(input).toArray())]
  expect(first).toEqual([...(await eager.run(input).toArray())])
  const state = await network.stateDict()
  for (const [name, { data }] of state) {
    if (name.includes('conv2.weight') || name.endsWith('bn2.weight')) {
      const values = data as Float32Array
      for (let i = 0; i < values.length; i++) values[i]! *= 1.5
    }
  }
  network.loadStateDict(state)
  const second = [...(await planned.run(input).toArray())]
  expect(second).not.toEqual(first)
  expect(second).toEqual([...(await eager.run(input).toArray())])
  planned.release()
  network.dispose()
})
