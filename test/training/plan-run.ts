/** Trains with and without a plan, and tells everything that the two must agree in. */
import { createHash } from 'node:crypto'
import type { Engine } from '../../src/autograd/engine.js'
import type { Transform } from '../../src/data/transforms.js'
import type { ImageDataset } from '../../src/data/index.js'
import type { Module } from '../../src/nn/module.js'
import type { StateDict } from '../../src/nn/state-dict.js'
import type { Optimizer } from '../../src/optim/index.js'
import type { Scheduler } from '../../src/optim/scheduler.js'
import { type EpochResult, type FitOptions, Trainer } from '../../src/training/index.js'

export interface PlanRun {
  readonly engine: Engine
  readonly build: (engine: Engine) => Module | Promise<Module>
  readonly optimizer: (model: Module) => Optimizer
  readonly scheduler?: (optimizer: Optimizer) => Scheduler
  readonly transform: Transform
  readonly data: ImageDataset
  readonly fit: FitOptions
  readonly afterFirstEpoch?: (model: Module) => void
}

/** What a run leaves behind, and the trainer that did it. */
export async function trainPlanned(run: PlanRun, plan: boolean) {
  const { engine, data } = run
  engine.manualSeed(3)
  const model = await run.build(engine)
  const optimizer = run.optimizer(model)
  const scheduler = run.scheduler?.(optimizer)
  const trainer = new Trainer({ model, optimizer, scheduler, transform: run.transform, plan })
  const onEpoch = ({ epoch }: EpochResult) => {
    if (epoch === 1) run.afterFirstEpoch?.(model)
  }
  await trainer.fit(data, { onEpoch, ...run.fit })
  const { accuracy, loss } = await trainer.evaluate(data, { batchSize: run.fit.batchSize })
  const result = {
    history: trainer.history.map(({ losses, train, validation, learningRate }) => ({
      losses,
      train,
      validation: validation && { loss: validation.loss, accuracy: validation.accuracy },
      learningRate,
    })),
    evaluation: { accuracy, loss },
    weights: digest(await model.stateDict()),
    optimizer: digest(await optimizer.stateDict()),
    random: engine.random.state,
  }
  return { result, trainer, model }
}

/** A SHA-256 of each tensor. */
export function digest(stateDict: StateDict): Record<string, string> {
  return Object.fromEntries(
    [...stateDict].map(([name, { data }]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      return [name, createHash('sha256').update(bytes).digest('hex')]
    }),
  )
}
