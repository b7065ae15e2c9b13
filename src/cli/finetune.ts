/** `daybreak finetune`: trains a network on a data set and writes a checkpoint after every epoch. */
import { createEngine, type Engine } from '../autograd/engine.js'
import { crossEntropy } from '../autograd/ops/index.js'
import { datasetLoader, type ImageDataset } from '../data/index.js'
import type { Transform } from '../data/transforms.js'
import { createModel, inputChannelsOf } from '../models/index.js'
import type { Module } from '../nn/module.js'
import * as optim from '../optim/index.js'
import { type EpochResult, type History, Trainer } from '../training/index.js'
import { withInterrupt } from './interrupt.js'
import { duration, percent, ProgressDisplay } from './progress.js'
import { describeAdapter, transformFor } from './recipe.js'

export interface FinetuneOptions {
  model: string
  dataset: string
  data?: string
  weights?: string
  freezeUntil?: string
  epochs: number
  batchSize: number
  lr: number
  optimizer: 'adam' | 'adamw' | 'sgd'
  schedule: 'constant' | 'cosine'
  momentum: number
  weightDecay: number
  labelSmoothing: number
  /** Images; see FitOptions.recalibrationImages. */
  recalibrate: number
  zeroInitResidual?: boolean
  limit?: number
  testLimit?: number
  seed: number
  output?: string
  resume?: boolean
  adapter?: string
}

/** Runs the command; returns the history, so that `demo` can go on from it. */
export async function finetune(options: FinetuneOptions): Promise<History> {
  const load = datasetLoader(options.dataset)
  const [train, test] = await Promise.all([
    load({ split: 'train', folder: options.data, limit: options.limit }),
    load({ split: 'test', folder: options.data, limit: options.testLimit }),
  ])
  const engine = await createEngine({ adapter: options.adapter, seed: options.seed })
  try {
    return await runTraining(engine, options, train, test)
  } finally {
    engine.destroy()
  }
}

async function runTraining(
  engine: Engine,
  options: FinetuneOptions,
  train: ImageDataset,
  test: ImageDataset,
): Promise<History> {
  const output = options.output ?? `runs/${options.model}-${options.dataset}`
  const numClasses = train.classes.length
  const model = await createModel(engine, options.model, {
    numClasses,
    weights: options.weights,
    zeroInitResidual: options.zeroInitResidual,
  })
  if (options.freezeUntil !== undefined) model.freeze({ until: options.freezeUntil })
  const transform = transformFor(train, inputChannelsOf(options.model), options.weights !== undefined)
  const trainer = trainerFor(model, transform, options, train)
  printPlan(engine, model, options, train, test)

  const display = new ProgressDisplay()
  const history = await withInterrupt((signal) =>
    trainer
      .fit(train, {
        epochs: options.epochs,
        batchSize: options.batchSize,
        validation: test,
        seed: options.seed,
        recalibrationImages: options.recalibrate,
        checkpoint: output,
        resume: options.resume ? output : undefined,
        signal,
        onProgress: (progress) => display.update(progress),
        onEpoch: (result) => {
          display.stop()
          printEpoch(result, options.epochs)
        },
      })
      .finally(() => display.stop()),
  )
  if (history.interrupted) console.log(`stopped; go on with the same command and --resume (checkpoint ${output})`)
  else console.log(`saved ${output}.safetensors; measure it with: daybreak evaluate ${output}`)
  return history
}

function trainerFor(model: Module, transform: Transform, options: FinetuneOptions, train: ImageDataset): Trainer {
  const { lr, momentum, weightDecay, labelSmoothing } = options
  const parameters = model.trainableParameters()
  const optimizers = {
    adam: () => optim.adam(parameters, { lr, weightDecay }),
    adamw: () => optim.adamW(parameters, { lr, weightDecay }),
    sgd: () => optim.sgd(parameters, { lr, momentum, weightDecay }),
  }
  const optimizer = optimizers[options.optimizer]()
  const steps = options.epochs * Math.ceil(train.length / options.batchSize)
  return new Trainer({
    model,
    optimizer,
    scheduler: options.schedule === 'cosine' ? new optim.CosineAnnealingLR(optimizer, { tMax: steps }) : undefined,
    loss: (logits, labels) => crossEntropy(logits, labels, { labelSmoothing }),
    transform,
    details: {
      dataset: options.dataset,
      classes: train.classes,
    },
  })
}

function printPlan(
  engine: Engine,
  model: Module,
  options: FinetuneOptions,
  train: ImageDataset,
  test: ImageDataset,
): void {
  const count = (tensors: readonly { size: number }[]) =>
    tensors.reduce((sum, { size }) => sum + size, 0).toLocaleString('en')
  console.log(`adapter   ${describeAdapter(engine)}`)
  console.log(
    `model     ${options.model}, ${count(model.parameters())} parameters, ` +
      `${count(model.trainableParameters())} trained, ${options.weights ?? 'random initial weights'}`,
  )
  console.log(
    `data      ${options.dataset}: ${train.length} training and ${test.length} test images ` +
      `of ${train.imageShape.join('x')}, ${train.classes.length} classes`,
  )
  console.log(
    `training  ${options.epochs} epoch(s), batches of ${options.batchSize}, ${options.optimizer}, ` +
      `learning rate ${options.lr} (${options.schedule}), seed ${options.seed}`,
  )
}

function printEpoch({ epoch, train, validation, seconds, imagesPerSecond }: EpochResult, epochs: number): void {
  const test = validation ? `  test loss ${validation.loss.toFixed(4)} accuracy ${percent(validation.accuracy)}` : ''
  console.log(
    `epoch ${epoch}/${epochs}  train loss ${train.loss.toFixed(4)} accuracy ${percent(train.accuracy)}${test}  ` +
      `${duration(seconds)} (${imagesPerSecond.toFixed(1)} images/s)`,
  )
}
