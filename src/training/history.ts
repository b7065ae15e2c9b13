/** What a training run reports: per step while it goes, per epoch for good. */
import type { Metrics, MetricsReading } from './metrics.js'

/** One finished epoch. */
export interface EpochResult {
  /** From 1. */
  readonly epoch: number
  readonly train: Metrics
  /** Present if the run has validation data. */
  readonly validation: Metrics | undefined
  /** The learning rate of the epoch's last step. */
  readonly learningRate: number
  /** The time of training, without validation. */
  readonly seconds: number
  readonly imagesPerSecond: number
  /** The loss of each step of the epoch. */
  readonly losses: readonly number[]
}

/** Where a run stands. Loss and accuracy are means over the images of the epoch so far. */
export interface Progress extends Metrics {
  readonly phase: 'train' | 'validation'
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  /** Steps done in this phase of this epoch. */
  readonly step: number
  readonly steps: number
  readonly imagesPerSecond: number
  /** Estimated seconds until this phase of this epoch ends. */
  readonly secondsLeft: number
}

/** The epochs of a run. `interrupted` tells that a signal ended it early. */
export class History extends Array<EpochResult> {
  interrupted = false

  static override get [Symbol.species](): ArrayConstructor {
    return Array // map() and filter() give plain arrays
  }
}

/** The progress of a phase that began at `start` (as `performance.now()` tells) with `done` of its steps. */
export function progressOf(
  phase: Progress['phase'],
  { loss, accuracy, images, losses }: MetricsReading,
  run: { epoch: number; epochs: number; steps: number; done: number; start: number },
): Progress {
  const seconds = (performance.now() - run.start) / 1000
  const step = run.done + losses.length
  return {
    phase,
    epoch: run.epoch,
    epochs: run.epochs,
    step,
    steps: run.steps,
    loss,
    accuracy,
    imagesPerSecond: images / Math.max(seconds, 1e-3),
    secondsLeft: ((run.steps - step) * seconds) / Math.max(losses.length, 1),
  }
}
