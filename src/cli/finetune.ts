/** `daybreak finetune`: trains a network on a data set and writes a checkpoint after every epoch. */
import type { Engine } from '../autograd/engine.js'
import { datasetLoader, type ImageDataset } from '../data/index.js'
import { fromDescription, type Transform } from '../data/transforms.js'
import { formatBytes, OptionError } from '../device/errors.js'
import { type Classifier, createModel, inputChannelsOf } from '../models/index.js'
import * as optim from '../optim/index.js'
import {
  type CheckpointDescription,
  checkpointFiles,
  type EpochResult,
  epochPlan,
  type FirstStep,
  History,
  type Precision,
  readCheckpointDescription,
  Trainer,
} from '../training/index.js'
import { DownloadDisplay } from './download-display.js'
import { type EngineCommandOptions, openEngine } from './engine.js'
import { withInterrupt } from './interrupt.js'
import { prepareOutput } from './output.js'
import { duration, percent, ProgressDisplay } from './progress.js'
import { describeAdapter, transformFor } from './recipe.js'
import { TuningDisplay } from './tuning-display.js'

export interface FinetuneOptions extends EngineCommandOptions {
  model: string
  dataset: string
  data?: string
  weights?: string
  weightsUrl?: string
  freezeUntil?: string
  epochs: number
  batchSize: number
  lr: number
  optimizer: 'adam' | 'adamw' | 'sgd'
  schedule: 'constant' | 'cosine'
  momentum: number
  weightDecay: number
  labelSmoothing: number
  precision: Precision
  /** Whether the backward pass computes stages again instead of keeping what they saved. */
  checkpointActivations?: boolean
  /** Images; see FitOptions.recalibrationImages. */
  recalibrate: number
  zeroInitResidual?: boolean
  /** Whether steps are recorded once and replayed; they are by default. */
  plan?: boolean
  limit?: number
  testLimit?: number
  seed: number
  output?: string
  resume?: boolean
}

export interface FinetuneResult {
  readonly history: History
  /** The path of the checkpoint without an extension. */
  readonly checkpoint: string
}

/** Runs the command and says what can be done next. */
export async function finetuneCommand(options: FinetuneOptions): Promise<void> {
  const { history, checkpoint } = await finetune(options)
  if (history.interrupted) {
    console.log(`stopped; go on with the same command and --resume (checkpoint ${checkpoint})`)
  } else {
    console.log(`saved ${checkpoint}.safetensors; measure it with: npx daybreak evaluate ${checkpoint}`)
  }
}

/** The run itself, which `demo` uses too. */
export async function finetune(options: FinetuneOptions): Promise<FinetuneResult> {
  const load = datasetLoader(options.dataset)
  const channels = inputChannelsOf(options.model) // an unknown name is an error before anything is read
  const [train, test] = await Promise.all([
    load({ split: 'train', folder: options.data, limit: options.limit }),
    load({ split: 'test', folder: options.data, limit: options.testLimit }),
  ])
  const output = await prepareOutput(options.output ?? `runs/${options.model}-${options.dataset}`)
  const resumed = options.resume ? await readResumed(output.stem, options) : undefined
  if (resumed && resumed.training.position.epoch > options.epochs) {
    console.error(`all ${options.epochs} epoch(s) are done already; with larger --epochs the run goes on`)
    const history = new History()
    history.push(...resumed.training.history)
    return { history, checkpoint: output.stem }
  }
  const engine = await openEngine(options, options.seed)
  try {
    const model = await createFinetuned(engine, options, train, output.stem)
    const transform = resumed ? fromDescription(resumed.transform) : transformFor(train, channels, model.loadReport)
    if (options.freezeUntil !== undefined) model.freeze({ until: options.freezeUntil })
    if (options.checkpointActivations) model.checkpointActivations()
    const trainer = trainerFor(model, transform, options, train)
    printPlan(engine, model, options, train, test, resumed ? `the weights of ${output.stem}` : weightsText(model))
    if (output.exists && !resumed) {
      console.error(`the earlier checkpoint ${output.stem} will be replaced (finetune --resume goes on with one)`)
    }
    return { history: await fit(trainer, options, train, test, output.stem), checkpoint: output.stem }
  } finally {
    engine.destroy()
  }
}

/** The model to train. A run that goes on gets its weights from the checkpoint, and from it what else a file tells. */
async function createFinetuned(
  engine: Engine,
  { model, weights, weightsUrl, zeroInitResidual, resume }: FinetuneOptions,
  train: ImageDataset,
  checkpoint: string,
): Promise<Classifier> {
  const display = new DownloadDisplay()
  return createModel(engine, model, {
    numClasses: train.classes.length,
    ...(resume
      ? { weights: checkpointFiles(checkpoint).weights }
      : { weights, weightsUrl, onDownload: display.update }),
    zeroInitResidual,
  }).finally(() => display.stop())
}

/** The checkpoint to go on with, if this command can: the model and the data must be those that it was begun with. */
async function readResumed(stem: string, options: FinetuneOptions): Promise<CheckpointDescription> {
  const description = await readCheckpointDescription(stem)
  for (const name of ['model', 'dataset'] as const) {
    const begun = description[name]
    if (begun !== undefined && begun !== options[name]) {
      throw new OptionError(name, `"${begun}", with which the checkpoint ${stem} was begun`, options[name])
    }
  }
  return description
}

async function fit(
  trainer: Trainer,
  options: FinetuneOptions,
  train: ImageDataset,
  test: ImageDataset,
  checkpoint: string,
): Promise<History> {
  const display = new ProgressDisplay()
  const tuning = new TuningDisplay()
  return withInterrupt((signal) =>
    trainer
      .fit(train, {
        epochs: options.epochs,
        batchSize: options.batchSize,
        validation: test,
        seed: options.seed,
        recalibrationImages: options.recalibrate,
        checkpoint,
        resume: options.resume ? checkpoint : undefined,
        signal,
        onTuning: tuning.update,
        onProgress: (progress) => display.update(progress),
        onFirstStep: (step) => {
          display.stop()
          printFirstStep(step)
        },
        onEpoch: (result) => {
          display.stop()
          printEpoch(result, options.epochs)
        },
      })
      .finally(() => {
        tuning.stop()
        display.stop()
      }),
  )
}

function trainerFor(model: Classifier, transform: Transform, options: FinetuneOptions, train: ImageDataset): Trainer {
  const { lr, momentum, weightDecay, labelSmoothing } = options
  const parameters = model.trainableParameters()
  const optimizers = {
    adam: () => optim.adam(parameters, { lr, weightDecay }),
    adamw: () => optim.adamW(parameters, { lr, weightDecay }),
    sgd: () => optim.sgd(parameters, { lr, momentum, weightDecay }),
  }
  const optimizer = optimizers[options.optimizer]()
  const steps = options.epochs * epochPlan(train, options).steps
  return new Trainer({
    model,
    optimizer,
    scheduler: options.schedule === 'cosine' ? new optim.CosineAnnealingLR(optimizer, { tMax: steps }) : undefined,
    labelSmoothing,
    transform,
    precision: options.precision,
    plan: options.plan,
    details: {
      dataset: options.dataset,
      classes: train.classes,
      imageShape: train.imageShape,
    },
  })
}

function printPlan(
  engine: Engine,
  model: Classifier,
  options: FinetuneOptions,
  train: ImageDataset,
  test: ImageDataset,
  weights: string,
): void {
  const count = (tensors: readonly { size: number }[]) =>
    tensors.reduce((sum, { size }) => sum + size, 0).toLocaleString('en')
  console.log(`adapter   ${describeAdapter(engine)}`)
  console.log(
    `model     ${options.model}, ${count(model.parameters())} parameters, ` +
      `${count(model.trainableParameters())} trained, ${weights}`,
  )
  console.log(
    `data      ${options.dataset}: ${train.length} training and ${test.length} test images ` +
      `of ${train.imageShape.join('x')}, ${train.classes.length} classes`,
  )
  console.log(
    `training  ${options.epochs} epoch(s), batches of ${options.batchSize}, ${options.optimizer}, ` +
      `learning rate ${options.lr} (${options.schedule}), seed ${options.seed}` +
      (options.precision === 'f16' ? ', activations of f16' : ''),
  )
}

/** Where the weights come from; a head that the file has for other classes is new. */
function weightsText({ loadReport }: Classifier): string {
  if (!loadReport) return 'random initial weights'
  const { source, fresh, numClasses } = loadReport
  if (fresh.length === 0) return source
  const reason = numClasses === undefined ? 'the file has none' : `the file's is for ${numClasses} classes`
  return `${source} with a new head, as ${reason}`
}

function printFirstStep({ seconds, plan }: FirstStep): void {
  const memory = plan
    ? `${formatBytes(plan.planned)} are planned for the memory of a step, where ${formatBytes(plan.minimal)} are the least`
    : 'steps are not planned'
  console.log(`first step ${seconds.toFixed(2)} s, with the compilation of pipelines; ${memory}`)
}

function printEpoch({ epoch, train, validation, seconds, imagesPerSecond }: EpochResult, epochs: number): void {
  const test = validation ? `  test loss ${validation.loss.toFixed(4)} accuracy ${percent(validation.accuracy)}` : ''
  console.log(
    `epoch ${epoch}/${epochs}  train loss ${train.loss.toFixed(4)} accuracy ${percent(train.accuracy)}${test}  ` +
      `${duration(seconds)} (${imagesPerSecond.toFixed(1)} images/s)`,
  )
}
