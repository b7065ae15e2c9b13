/** Training that is recorded once and replayed gives the bits of training that runs each step, and takes no more memory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { compose, grayscale, normalize } from '../../src/data/transforms.js'
import { NonFiniteLossError } from '../../src/device/errors.js'
import { minivgg, resnet18 } from '../../src/models/index.js'
import { BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.js'
import * as optim from '../../src/optim/index.js'
import { Trainer } from '../../src/training/index.js'
import { cornerDataset } from '../support/digits.js'
import { useEngine } from '../support/engine.js'
import { digest, type PlanRun, trainPlanned } from './plan-run.js'

const holder = useEngine()

/** Three steps in an epoch, the last of them with a smaller batch. */
const fit = { epochs: 2, batchSize: 4, validation: cornerDataset(6, 32), seed: 1 }

function resnet(freezeUntil?: string): PlanRun {
  return {
    engine: holder.engine,
    build: async (engine) => {
      const model = await resnet18(engine, { numClasses: 4 })
      if (freezeUntil !== undefined) model.freeze({ until: freezeUntil })
      return model
    },
    optimizer: (model) => optim.adam(model.parameters(), { lr: 1e-3 }),
    scheduler: (optimizer) => new optim.CosineAnnealingLR(optimizer, { tMax: 9 }),
    transform: compose([grayscale(3), normalize({ mean: [0.5], std: [0.5] })]),
    data: cornerDataset(10, 32),
    fit,
  }
}

function vgg(): PlanRun {
  const data = cornerDataset(10, 28)
  return {
    engine: holder.engine,
    build: (engine) => minivgg(engine),
    optimizer: (model) => optim.sgd(model.parameters(), { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 }),
    scheduler: (optimizer) => new optim.StepLR(optimizer, { stepSize: 2, gamma: 0.5 }),
    transform: normalize({ mean: [0.5], std: [0.5] }),
    data,
    fit: { ...fit, epochs: 3, validation: data },
  }
}

describe('the bits of a planned run are those of one that is not', () => {
  test.each<[string, () => PlanRun]>([
    ['MiniVGG with dropout, SGD and a scheduler', vgg],
    ['ResNet-18 with Adam and a scheduler', () => resnet()],
    ['ResNet-18 up to layer4 frozen', () => resnet('layer4')],
    [
      'ResNet-18 that is unfrozen in between',
      () => ({ ...resnet('layer4'), afterFirstEpoch: (model) => void model.unfreeze() }),
    ],
    [
      'ResNet-18 with statistics that are measured anew',
      () => ({ ...resnet(), fit: { ...fit, recalibrationImages: 4 } }),
    ],
  ])('%s', { timeout: 300_000 }, async (_name, make) => {
    const [planned, eager] = [await trainPlanned(make(), true), await trainPlanned(make(), false)]
    expect(planned.result).toEqual(eager.result)
    expect(planned.trainer.firstStep!.plan).toBeDefined()
    expect(eager.trainer.firstStep!.plan).toBeUndefined()
    for (const { model } of [planned, eager]) {
      expect(model.parameters().some(({ grad }) => grad)).toBe(false)
      model.dispose()
    }
  })

  test('batch norms with the plain average of all batches', async () => {
    const run: PlanRun = {
      ...vgg(),
      build: (engine) =>
        new Sequential(engine, [
          new Conv2d(engine, 1, 8, 3),
          new BatchNorm2d(engine, 8, { momentum: null }),
          new ReLU(engine),
          new Flatten(engine),
          new Dropout(engine, { p: 0.3 }),
          new Linear(engine, 8 * 26 * 26, 4),
        ]),
    }
    const [planned, eager] = [await trainPlanned(run, true), await trainPlanned(run, false)]
    expect(planned.result).toEqual(eager.result)
    expect(planned.model.children.get('1')).toMatchObject({ numBatchesTracked: 9 })
  })
})

describe('a run that stops', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'daybreak-plan-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('goes on with the same bits, planned or not', async () => {
    const through = await trainPlanned(vgg(), true)
    const checkpoint = path.join(folder, 'stopped')
    const resumed = await Promise.all(
      [true, false].map(async (plan, i) => {
        const controller = new AbortController()
        const signal = controller.signal
        const file = `${checkpoint}${i}`
        const stopAt = 4
        let steps = 0
        const run = vgg()
        const schedule = (optimizer: optim.Optimizer) => {
          const scheduler = run.scheduler!(optimizer)
          const step = scheduler.step.bind(scheduler)
          vi.spyOn(scheduler, 'step').mockImplementation((...metrics) => {
            step(...metrics)
            if (++steps === stopAt) controller.abort()
          })
          return scheduler
        }
        const stopped = await trainPlanned(
          { ...run, scheduler: schedule, fit: { ...run.fit, checkpoint: file, signal } },
          plan,
        )
        expect(stopped.trainer.history.interrupted).toBe(true)
        return trainPlanned({ ...run, fit: { ...run.fit, resume: file } }, plan)
      }),
    )
    for (const { result } of resumed) {
      expect(result.weights).toEqual(through.result.weights)
      expect(result.optimizer).toEqual(through.result.optimizer)
    }
  })

  test('for a loss that is not finite names the step', async () => {
    const run: PlanRun = { ...vgg(), optimizer: (model) => optim.sgd(model.parameters(), { lr: 1e30 }) }
    const error = await trainPlanned({ ...run, fit: { ...run.fit, validation: undefined } }, true).catch(
      (e: unknown) => e,
    )
    expect(error).toBeInstanceOf(NonFiniteLossError)
    expect((error as NonFiniteLossError).step).toBeLessThanOrEqual(3)
  })
})

describe('memory', () => {
  test(
    'of a planned run is flat, no more than without a plan, and near to the minimum',
    { timeout: 300_000 },
    async () => {
      const reserved: Record<string, number> = {}
      for (const plan of [true, false]) {
        const engine = await createEngine()
        try {
          const model = await resnet18(engine, { numClasses: 4 })
          const optimizer = optim.adam(model.parameters())
          const transform = compose([grayscale(3), normalize({ mean: [0.5], std: [0.5] })])
          const trainer = new Trainer({ model, optimizer, transform, plan })
          const after: number[] = []
          const memory = () => after.push(engine.memory().reserved)
          const data = cornerDataset(8, 32)
          await trainer.fit(data, { epochs: 26, batchSize: 4, onEpoch: memory }) // 52 steps
          expect(new Set(after.slice(1)).size, String(after)).toBe(1)
          reserved[String(plan)] = after[0]!
          if (plan) {
            const { planned, minimal, unshared } = trainer.firstStep!.plan!
            expect(planned).toBeGreaterThanOrEqual(minimal)
            expect(planned).toBeLessThan(minimal * 1.5)
            expect(unshared).toBeGreaterThan(planned)
          }
        } finally {
          engine.destroy()
        }
      }
      expect(reserved.true).toBeLessThanOrEqual(reserved.false!)
    },
  )

  test('comes back after the run', async () => {
    const { engine } = holder
    const run = vgg()
    const { trainer, model } = await trainPlanned(run, true)
    const { inUse } = engine.memory()
    await trainer.fit(run.data, { ...run.fit, epochs: 4 })
    expect(engine.memory().inUse).toBe(inUse)
    expect(digest(await model.stateDict())).toBeDefined()
  })
})
