/** What a trainer and its runs are told, and what they tell of the first step. */
import type { Tensor } from '../autograd/tensor.js'
import type { ImageDataset } from '../data/index.js'
import type { Transform } from '../data/transforms.js'
import type { PlanReport } from '../device/plan/plan.js'
import type { Module } from '../nn/module.js'
import type { GradScalerOptions } from '../optim/grad-scaler.js'
import type { Optimizer } from '../optim/optimizer.js'
import type { Scheduler } from '../optim/scheduler.js'
import type { CheckpointDetails } from './checkpoint.js'
import type { EpochResult, Progress } from './history.js'
import type { Precision } from './precision.js'
import type { MeasuringProgress } from './tune.js'

/** Mean loss of logits [N, classes] and labels i32 [N]. */
export type LossFunction = (logits: Tensor, labels: Tensor) => Tensor

export interface TrainerOptions {
  readonly model: Module
  readonly optimizer: Optimizer
  /** `'cross-entropy'` by default. */
  readonly loss?: 'cross-entropy' | LossFunction
  /** Of the loss `'cross-entropy'`: this part of the target distribution, from 0 to 1, is spread evenly over all classes; 0 by default. */
  readonly labelSmoothing?: number
  /** What turns bytes [N, H, W, C] into the model's input; bytes as they are, by default. */
  readonly transform?: Transform
  /** Moves the learning rate after every step. */
  readonly scheduler?: Scheduler
  /**
   * What activations and their gradients are stored as: f32 by default, or f16, with loss scaling, where the adapter has it.
   * Parameters, their gradients, statistics and the loss stay f32, and so do all sums.
   */
  readonly precision?: Precision
  /** How the loss is scaled in f16. */
  readonly gradScaler?: GradScalerOptions
  /**
   * Whether a step is recorded once and replayed; true by default. A model, loss or transform of your own that decides by
   * data on the CPU what to compute, or that computes numbers there which differ from step to step, needs false: see docs/plan.md.
   */
  readonly plan?: boolean
  /** What else a checkpoint should tell: the model's and the data set's name, the classes. */
  readonly details?: CheckpointDetails
}

export interface FitOptions {
  readonly epochs: number
  /** 128 by default. */
  readonly batchSize?: number
  /** Evaluated after each epoch. */
  readonly validation?: ImageDataset
  /** Decides the order of the images; 0 by default. A resumed run keeps the seed that it began with. */
  readonly seed?: number
  /**
   * Before each validation, measure the running statistics of batch norms anew on so many training images. Short runs
   * need it, in which the moving averages lag behind the weights; 0, which is off, by default.
   */
  readonly recalibrationImages?: number
  /** A path without extension: a checkpoint is written there after each epoch and when `signal` is aborted. */
  readonly checkpoint?: string
  /** A checkpoint to go on from, a path without extension. */
  readonly resume?: string
  /** Called at most every 200 milliseconds. */
  readonly onProgress?: (progress: Progress) => void
  readonly onEpoch?: (result: EpochResult) => void
  /** Called once, when the GPU has done the first step. */
  readonly onFirstStep?: (step: FirstStep) => void
  /** Called while methods are measured before the first step: see `tune` of `createEngine`. */
  readonly onTuning?: (progress: MeasuringProgress) => void
  /** Aborting it ends the run after the current step, with a checkpoint if one was asked for. */
  readonly signal?: AbortSignal
}

/** What the first step of a run took. */
export interface FirstStep {
  /** From its beginning to the end of its work on the GPU, the compilation of pipelines included. */
  readonly seconds: number
  /** What its plan takes; undefined where steps are not planned. */
  readonly plan: PlanReport | undefined
}
