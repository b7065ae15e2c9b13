/**
 * The trainer: epochs of steps over a data set, validation after each, checkpoints on the way. A step runs the transform,
 * the forward pass, the loss, the backward pass, the metrics and the optimizer on the GPU without reading anything back.
 *
 * What lives in src/training: the loop, metrics, history, checkpoints, profiles. What does not: printing (src/cli).
 */
import { crossEntropy } from '../autograd/ops/cross-entropy.js'
import type { Tensor } from '../autograd/tensor.js'
import { batchCount, batches, type ImageDataset } from '../data/index.js'
import { compose, type Transform } from '../data/transforms.js'
import { NonFiniteLossError, OptionError } from '../device/errors.js'
import { Classifier } from '../models/index.js'
import type { Module } from '../nn/module.js'
import { GradScaler } from '../optim/grad-scaler.js'
import type { Optimizer } from '../optim/optimizer.js'
import type { Scheduler } from '../optim/scheduler.js'
import { type CheckpointDetails, type EpochData, readTrainingState, saveCheckpoint } from './checkpoint.js'
import { evaluate, evaluateTuned, type Evaluation } from './evaluate.js'
import { type EpochResult, History, progressOf } from './history.js'
import { MetricsAccumulator, type MetricsReading } from './metrics.js'
import { inputsOf, runPass } from './pass.js'
import { PlannedStep } from './planned-step.js'
import { callIn, checkPrecision, type Precision } from './precision.js'
import { recalibrateBatchNorm } from './recalibrate.js'
import { tuneIfAsked } from './tune.js'
import { problemsOfRun } from './tune-run.js'
import type { FirstStep, FitOptions, LossFunction, TrainerOptions } from './trainer-options.js'

/** Where a run is: `epoch` from 1, `step` steps of it done. */
interface Position {
  epoch: number
  step: number
}

export class Trainer {
  readonly model: Module
  readonly optimizer: Optimizer
  readonly history = new History()
  readonly precision: Precision
  /** Undefined for cross-entropy, whose kernel adds the metrics as well. */
  readonly #loss: LossFunction | undefined
  readonly #labelSmoothing: number
  readonly #transform: Transform
  readonly #scheduler: Scheduler | undefined
  readonly #scaler: GradScaler | undefined
  readonly #details: CheckpointDetails
  readonly #plan: boolean
  #firstStep: FirstStep | undefined
  #learningRate = 0
  #position: Position = { epoch: 1, step: 0 }
  #seed = 0
  /** What the current epoch is cut from; a resumed epoch must be cut in the same way. */
  #epochData: EpochData | undefined
  #lastCheckpoint: string | undefined

  /** @throws OptionError for the precision f16 where the adapter has none */
  constructor(options: TrainerOptions) {
    const { model, optimizer, loss = 'cross-entropy', transform, scheduler, details } = options
    const { precision = 'f32', plan = true } = options
    checkPrecision(model.engine, precision)
    this.model = model
    this.precision = precision
    this.#scaler = precision === 'f16' ? new GradScaler(optimizer, options.gradScaler) : undefined
    this.#plan = plan
    this.optimizer = optimizer
    this.#loss = loss === 'cross-entropy' ? undefined : loss
    this.#labelSmoothing = options.labelSmoothing ?? 0
    if (this.#loss && options.labelSmoothing !== undefined) {
      throw new OptionError('labelSmoothing', "the loss 'cross-entropy'", 'a loss function')
    }
    this.#transform = transform ?? compose([])
    this.#scheduler = scheduler
    this.#details = { ...nameOf(model), ...details }
  }

  /** What the first step of the latest run took; undefined before it. */
  get firstStep(): FirstStep | undefined {
    return this.#firstStep
  }

  /**
   * Trains for so many epochs. Throws `OptionError` for options that make no sense with the data, `DataError` for labels
   * outside of the model's classes, `NonFiniteLossError` when the loss diverges: the last checkpoint stays untouched.
   */
  async fit(train: ImageDataset, options: FitOptions): Promise<History> {
    const { epochs } = options
    if (!Number.isSafeInteger(epochs) || epochs < 1) throw new OptionError('epochs', 'a positive integer', epochs)
    this.#seed = options.seed ?? 0
    this.history.interrupted = false
    if (options.resume !== undefined) await this.#resume(options.resume)
    await this.#scaler?.settle()
    this.optimizer.prepare() // so that the first step is like all others
    this.#checkEpochData(train, options)
    await this.#tune(train, options)
    this.#firstStep = undefined
    const metrics = new MetricsAccumulator(this.model.engine, 0) // an epoch makes room for its steps
    const step = this.#makeStep(metrics)
    try {
      return await this.#run(train, options, { metrics, step })
    } finally {
      step.release()
      metrics.release()
    }
  }

  async #run(train: ImageDataset, options: FitOptions, training: TrainingStep): Promise<History> {
    const { epochs, validation, checkpoint, signal } = options
    while (this.#position.epoch <= epochs) {
      const { epoch } = this.#position
      const start = performance.now()
      const reading = await this.#trainEpoch(train, options, training)
      const seconds = (performance.now() - start) / 1000
      if (signal?.aborted && this.#position.step < epochPlan(train, options).steps) {
        this.history.interrupted = true
        if (checkpoint !== undefined) await this.save(checkpoint)
        break
      }
      await this.#recalibrate(train, options)
      const result: EpochResult = {
        epoch,
        train: { loss: reading.loss, accuracy: reading.accuracy },
        validation: validation && (await this.#validate(validation, options)),
        learningRate: this.#learningRate,
        seconds,
        imagesPerSecond: reading.images / seconds,
        losses: [...reading.losses],
      }
      this.history.push(result)
      this.#position = { epoch: epoch + 1, step: 0 }
      if (checkpoint !== undefined) await this.save(checkpoint)
      options.onEpoch?.(result)
      if (signal?.aborted) {
        this.history.interrupted = this.#position.epoch <= epochs
        break
      }
    }
    return this.history
  }

  /** Loss and accuracy on a data set with this trainer's transform. */
  async evaluate(dataset: ImageDataset, options: { batchSize?: number } = {}): Promise<Evaluation> {
    const { precision } = this
    return evaluate(this.model, dataset, { transform: this.#transform, precision, plan: this.#plan, ...options })
  }

  /**
   * Writes `PATH.safetensors` (the model, in torchvision's names and layouts), `PATH.optimizer.safetensors` and
   * `PATH.json` (what it is and where the run stands). Each file replaces the earlier one only when it is complete.
   */
  async save(path: string): Promise<void> {
    await this.#scaler?.settle()
    await saveCheckpoint(path, {
      model: this.model,
      optimizer: this.optimizer,
      scheduler: this.#scheduler,
      scaler: this.#scaler,
      transform: this.#transform,
      details: this.#details,
      position: this.#position,
      epochData: this.#epochData,
      seed: this.#seed,
      history: [...this.history],
    })
    this.#lastCheckpoint = path
  }

  async #resume(path: string): Promise<void> {
    const state = await readTrainingState(path, this.model, this.optimizer, this.#scheduler, this.#scaler)
    this.history.splice(0, this.history.length, ...state.history)
    this.#position = state.position
    this.#epochData = state.epochData
    this.#seed = state.seed
    this.#lastCheckpoint = path
  }

  /** Before the first step, so that all steps of a run are computed in the same way. */
  async #tune(train: ImageDataset, options: FitOptions): Promise<void> {
    const { model, optimizer, precision } = this
    const run = { model, optimizer, precision, loss: this.#loss ?? crossEntropy, transform: this.#transform }
    const { signal, onTuning } = options
    await tuneIfAsked(model, () => problemsOfRun(run, train, options), { signal, onProgress: onTuning })
  }

  #makeStep(metrics: MetricsAccumulator): PlannedStep {
    const { model, optimizer } = this
    return new PlannedStep({
      model,
      optimizer,
      plan: this.#plan,
      dependencies: () => [metrics.totals],
      step: (images, labels) => {
        const logits = callIn(this.precision, model, this.#transform.apply(images))
        const loss = this.#lossOf(logits, labels, metrics)
        this.#update(loss)
        optimizer.zeroGrad() // gradients are the step's own: they need no memory between steps
        model.engine.device.everyStep(() => {
          this.#learningRate = optimizer.lr
          this.#scheduler?.step()
          this.#position.step++
        })
      },
    })
  }

  async #trainEpoch(
    train: ImageDataset,
    options: FitOptions,
    { metrics, step }: TrainingStep,
  ): Promise<MetricsReading> {
    const { model, optimizer } = this
    const { engine } = model
    const { batchSize, dropLast, steps } = epochPlan(train, options)
    const { epoch, step: done } = this.#position
    const remaining = skip(batches(train, { batchSize, shuffle: true, seed: this.#seed, epoch, dropLast }), done)
    this.#epochData = { batchSize, images: train.length }
    const start = performance.now()
    model.train()
    metrics.reset(steps)
    return runPass({
      engine,
      metrics,
      signal: options.signal,
      batches: remaining,
      onFirstStep: this.#firstStep
        ? undefined
        : (seconds) => {
            this.#firstStep = { seconds, plan: step.report }
            options.onFirstStep?.(this.#firstStep)
          },
      onReading: (reading) => {
        this.#checkFinite(reading, steps, done)
        options.onProgress?.(progressOf('train', reading, { epoch, epochs: options.epochs, steps, done, start }))
      },
      step: (batch) => {
        optimizer.zeroGrad() // somebody may have left some
        step.run(...inputsOf(batch, train.imageShape))
      },
    })
  }

  /** The mean loss; adds it, and the accuracy, to the metrics. */
  #lossOf(logits: Tensor, labels: Tensor, metrics: MetricsAccumulator): Tensor {
    if (!this.#loss) return metrics.crossEntropy(logits, labels, { labelSmoothing: this.#labelSmoothing })
    const loss = this.#loss(logits, labels)
    metrics.add(logits, labels, loss)
    return loss
  }

  /** The backward pass and the optimizer's step. */
  #update(loss: Tensor): void {
    const scaler = this.#scaler
    if (!scaler) {
      loss.backward()
      this.optimizer.step()
      return
    }
    scaler.scale(loss).backward()
    scaler.step()
    scaler.update()
  }

  async #recalibrate(train: ImageDataset, { recalibrationImages = 0 }: FitOptions): Promise<void> {
    if (recalibrationImages === 0) return
    await recalibrateBatchNorm(this.model, train, {
      transform: this.#transform,
      images: recalibrationImages,
      precision: this.precision,
    })
  }

  /** Loss and accuracy after an epoch; nothing when the run is interrupted meanwhile, so that the epoch is not lost. */
  async #validate(validation: ImageDataset, options: FitOptions): Promise<Evaluation | undefined> {
    const start = performance.now()
    const { epoch, step } = this.#position
    const result = await evaluateTuned(this.model, validation, {
      transform: this.#transform,
      precision: this.precision,
      batchSize: options.batchSize,
      signal: options.signal,
      plan: this.#plan,
      onReading: (reading, steps) => {
        const run = { epoch, epochs: options.epochs, steps, done: 0, start }
        options.onProgress?.(progressOf('validation', reading, run))
      },
    })
    if (options.signal?.aborted) return undefined
    // the epoch's last step may be the one that ruined the weights: no training loss has seen them yet
    if (!Number.isFinite(result.loss)) throw new NonFiniteLossError(epoch * step, epoch, this.#lastCheckpoint)
    return result
  }

  #checkEpochData(train: ImageDataset, options: FitOptions): void {
    if (this.#position.step === 0 || !this.#epochData) return
    const { batchSize, images } = this.#epochData
    const given = { batchSize: epochPlan(train, options).batchSize, images: train.length }
    if (given.batchSize === batchSize && given.images === images) return
    throw new OptionError(
      'batchSize',
      `batches of ${batchSize} of ${images} images, with which the interrupted epoch began`,
      `${given.batchSize} of ${given.images}`,
    )
  }

  #checkFinite({ firstNonFiniteStep }: MetricsReading, steps: number, done: number): void {
    if (firstNonFiniteStep === undefined) return
    const { epoch } = this.#position
    throw new NonFiniteLossError((epoch - 1) * steps + done + firstNonFiniteStep, epoch, this.#lastCheckpoint)
  }
}

/** The step of a run, and where it adds up loss and accuracy. */
interface TrainingStep {
  readonly metrics: MetricsAccumulator
  readonly step: PlannedStep
}

/** How an epoch is cut into steps. Batch norm cannot train on a single image, so a last batch of one is left out. */
export function epochPlan(
  { length }: { readonly length: number },
  { batchSize = 128 }: { readonly batchSize?: number },
): { batchSize: number; dropLast: boolean; steps: number } {
  const dropLast = length % batchSize === 1 && length > 1
  return { batchSize, dropLast, steps: batchCount(length, batchSize, dropLast) }
}

/** What a checkpoint tells of a model that the registry knows. */
function nameOf(model: Module): CheckpointDetails {
  return model instanceof Classifier ? { model: model.architecture, numClasses: model.numClasses } : {}
}

function* skip<T>(items: Iterable<T>, count: number): Generator<T> {
  let index = 0
  for (const item of items) if (index++ >= count) yield item
}
