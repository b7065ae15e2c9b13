/** Tuning before a run: it learns what a step will ask for, changes nothing else, and the run asks for nothing more. */
import { expect, test, describe } from 'vitest'
import { createEngine, type Engine } from '../../src/autograd/engine.js'
import { crossEntropy } from '../../src/autograd/ops/index.js'
import { normalize } from '../../src/data/transforms.js'
import { BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.js'
import type { Module } from '../../src/nn/module.js'
import * as optim from '../../src/optim/index.js'
import { evaluate, predict, Trainer, tuneStep } from '../../src/training/index.js'
import { problemsOf } from '../../src/training/tune.js'
import { problemName } from '../../src/tuning/tunable.js'
import type { TuneMode } from '../../src/tuning/tuner.js'
import { cornerDataset } from '../support/digits.js'
import { useEngine } from '../support/engine.js'
import { clockOf, memoryStore } from '../support/tuning.js'

const holder = useEngine()
const inputShape = [4, 8, 8, 1] as const
const transform = normalize({ mean: [0.5], std: [0.5] })

function network(engine: Engine): Module {
  engine.manualSeed(7)
  return new Sequential(engine, [
    new Conv2d(engine, 1, 4, 3, { padding: 1, bias: false }),
    new BatchNorm2d(engine, 4),
    new ReLU(engine),
    new Flatten(engine),
    new Dropout(engine, { p: 0.2 }),
    new Linear(engine, 4 * 8 * 8, 4),
  ])
}

function step(model: Module): void {
  const { engine } = model
  model.train()
  engine.scope(() => {
    const labels = engine.tensor(new Int32Array(inputShape[0]))
    crossEntropy(model.call(engine.ones(inputShape)), labels).backward()
  })
}

const wantedBy = ({ engine }: Module) => engine.tuner.wanted.map(problemName)

/** A network on an engine that keeps nothing outside of the test. */
async function withNetwork<T>(tune: TuneMode, body: (model: Module) => Promise<T>, store = memoryStore()): Promise<T> {
  const engine = await createEngine({ tune, tuningStore: store })
  try {
    return await body(network(engine))
  } finally {
    engine.destroy()
  }
}

describe('tuneStep', () => {
  test('measures what a step asks for, and leaves the model as it was', async () => {
    await withNetwork('cached', async (model) => {
      const { engine } = model
      model.eval()
      const [before, random] = [await model.stateDict(), engine.random.state]
      const report = await tuneStep(model, { inputShape, mode: 'training', clock: clockOf(() => 1) })
      expect(report.interrupted).toBe(false)
      expect(report.problems.every(({ fresh, milliseconds }) => fresh && milliseconds === 1)).toBe(true)
      expect(await model.stateDict()).toEqual(before)
      expect(engine.random.state).toEqual(random)
      expect(model.training).toBe(false)
      expect(model.parameters().map(({ grad }) => grad)).toEqual(model.parameters().map(() => undefined))

      expect(wantedBy(model)).toEqual([])
      step(model)
      engine.noGrad(() => model.eval().call(engine.ones(inputShape)))
      expect(wantedBy(model)).toEqual([])
      const names = report.problems.map(problemName)
      expect(names).toContain('conv2d forward 8x8x1 -> 8x8x4, kernel 3x3, padding 1x1, batch 4')
      expect(names).toContain('conv2d forward 8x8x1 -> 8x8x4, kernel 3x3, padding 1x1, packed, batch 4')
      expect(names).toContain('conv2d weight-gradient 8x8x1 -> 8x8x4, kernel 3x3, padding 1x1, batch 4')
      expect(names).toContain('matmul [4x256] * [4x256]^T, batch 1')
    })
  })

  test('of inference measures no gradients', async () => {
    await withNetwork('cached', async (model) => {
      const { problems } = await tuneStep(model, { inputShape, mode: 'forward', clock: clockOf(() => 1) })
      expect(problems.map(({ family }) => family)).toEqual(['conv2d', 'matmul'])
      step(model)
      expect(wantedBy(model)).toEqual([
        'conv2d forward 8x8x1 -> 8x8x4, kernel 3x3, padding 1x1, batch 4',
        expect.stringContaining('matmul'),
        expect.stringContaining('matmul'),
        expect.stringContaining('conv2d weight-gradient'),
      ])
    })
  })
})

test('what is recorded for its problems alone is put back, even if it throws', () => {
  const model = network(holder.engine)
  const { state } = holder.engine.random
  expect(() =>
    problemsOf(model, () => {
      step(model)
      throw new Error('too bad')
    }),
  ).toThrow('too bad')
  expect(holder.engine.random.state).toEqual(state)
  expect(holder.engine.device.recording).toBe(true)
  expect(model.parameters()[0]!.grad).toBeUndefined()
})

describe('an engine with tune: full', () => {
  const [train, validation] = [cornerDataset(20), cornerDataset(8)]

  async function fit(model: Module) {
    const optimizer = optim.adam(model.trainableParameters(), { lr: 0.01 })
    const trainer = new Trainer({ model, optimizer, transform })
    const progress: number[] = []
    const history = await trainer.fit(train, {
      epochs: 1,
      batchSize: 8,
      validation,
      seed: 3,
      onTuning: ({ done }) => progress.push(done),
    })
    const [result] = history
    return { losses: result!.losses, validation: result!.validation!.loss, progress }
  }

  test('measures before a run; the next one with its times gives the same bits', async () => {
    const store = memoryStore()
    const first = await withNetwork('full', (model) => fit(model), store)
    expect(first.progress).toEqual([0, 1, 2, 3, 4, 5, 6]) // forward, their gradients, and the packed validation
    expect(store.texts.size).toBe(1)
    for (const tune of ['cached', 'full'] as const) {
      const again = await withNetwork(tune, (model) => fit(model), store)
      expect({ ...again, progress: [] }).toEqual({ ...first, progress: [] })
      expect(again.progress).toEqual(tune === 'full' ? [0] : [])
    }
  })

  test('stops measuring when the run is interrupted', async () => {
    await withNetwork('full', async (model) => {
      const optimizer = optim.sgd(model.trainableParameters(), { lr: 0.01 })
      const controller = new AbortController()
      const history = await new Trainer({ model, optimizer, transform }).fit(train, {
        epochs: 1,
        batchSize: 8,
        signal: controller.signal,
        onTuning: () => {
          controller.abort()
        },
      })
      expect(history.interrupted).toBe(true)
      expect(wantedBy(model)).toHaveLength(4) // of five; the first had begun
    })
  })

  test('measures before an evaluation and a prediction', async () => {
    await withNetwork('full', async (model) => {
      await evaluate(model, validation, { transform })
      expect(wantedBy(model)).toEqual([])
      const data = new Uint8Array(64).fill(100)
      const images = [1, 2, 3].map(() => ({ width: 8, height: 8, channels: 1, data }))
      await predict(model, images, { transform })
      expect(wantedBy(model)).toEqual([])
      expect([...model.engine.tuner.measured].map(({ batch }) => batch)).toEqual(expect.arrayContaining([8, 3]))
    })
  })
})
