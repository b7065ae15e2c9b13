/** Learning-rate schedules that depend on the epoch only, each by the recursion of PyTorch's class of the same name. */
import { OptionError } from '../device/errors.js'
import { type Scheduled, Scheduler } from './scheduler.js'

/** Multiplies the learning rate with `gamma` every `stepSize` epochs. */
export class StepLR extends Scheduler {
  readonly #stepSize: number
  readonly #gamma: number

  constructor(optimizer: Scheduled, { stepSize, gamma = 0.1 }: { stepSize: number; gamma?: number }) {
    super(optimizer)
    checkCount('StepLR: stepSize', stepSize)
    checkFactor('StepLR: gamma', gamma)
    this.#stepSize = stepSize
    this.#gamma = gamma
    this.start()
  }

  protected next(lr: number): number {
    return this.epoch > 0 && this.epoch % this.#stepSize === 0 ? lr * this.#gamma : lr
  }
}

/** Multiplies the learning rate with `gamma` at each epoch in `milestones`; twice at one that appears twice. */
export class MultiStepLR extends Scheduler {
  readonly #milestones: readonly number[]
  readonly #gamma: number

  constructor(optimizer: Scheduled, { milestones, gamma = 0.1 }: { milestones: readonly number[]; gamma?: number }) {
    super(optimizer)
    for (const milestone of milestones) checkCount('MultiStepLR: milestones', milestone, 0)
    checkFactor('MultiStepLR: gamma', gamma)
    this.#milestones = [...milestones]
    this.#gamma = gamma
    this.start()
  }

  protected next(lr: number): number {
    return lr * this.#gamma ** this.#milestones.filter((milestone) => milestone === this.epoch).length
  }
}

/** Multiplies the learning rate with `gamma` every epoch. */
export class ExponentialLR extends Scheduler {
  readonly #gamma: number

  constructor(optimizer: Scheduled, { gamma }: { gamma: number }) {
    super(optimizer)
    checkFactor('ExponentialLR: gamma', gamma)
    this.#gamma = gamma
    this.start()
  }

  protected next(lr: number): number {
    return this.epoch === 0 ? lr : lr * this.#gamma
  }
}

/**
 * Half a cosine from the initial learning rate down to `etaMin` in `tMax` epochs, and up again after that.
 * Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), without the restarts.
 */
export class CosineAnnealingLR extends Scheduler {
  readonly #tMax: number
  readonly #etaMin: number

  constructor(optimizer: Scheduled, { tMax, etaMin = 0 }: { tMax: number; etaMin?: number }) {
    super(optimizer)
    checkCount('CosineAnnealingLR: tMax', tMax)
    checkFactor('CosineAnnealingLR: etaMin', etaMin)
    this.#tMax = tMax
    this.#etaMin = etaMin
    this.start()
  }

  protected next(lr: number, baseLr: number): number {
    const [tMax, etaMin] = [this.#tMax, this.#etaMin]
    if (this.epoch === 0) return lr
    if ((this.epoch - 1 - tMax) % (2 * tMax) === 0) {
      // the epoch after the lowest point, from which no factor leads up again
      return lr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2
    }
    const height = (epoch: number) => 1 + Math.cos((Math.PI * epoch) / tMax)
    return (height(this.epoch) / height(this.epoch - 1)) * (lr - etaMin) + etaMin
  }
}

/**
 * A straight line from `startFactor` times the learning rate to `endFactor` times it in `totalIters` epochs: a warm-up,
 * together with another scheduler.
 */
export class LinearLR extends Scheduler {
  readonly #startFactor: number
  readonly #endFactor: number
  readonly #totalIters: number

  constructor(optimizer: Scheduled, { startFactor = 1 / 3, endFactor = 1, totalIters = 5 }: LinearOptions = {}) {
    super(optimizer)
    if (!(startFactor > 0 && startFactor <= 1)) {
      throw new OptionError('LinearLR: startFactor', 'a number above 0, at most 1', startFactor)
    }
    if (!(endFactor >= 0 && endFactor <= 1)) {
      throw new OptionError('LinearLR: endFactor', 'a number from 0 to 1', endFactor)
    }
    checkCount('LinearLR: totalIters', totalIters)
    this.#startFactor = startFactor
    this.#endFactor = endFactor
    this.#totalIters = totalIters
    this.start()
  }

  protected next(lr: number): number {
    const [start, end, total] = [this.#startFactor, this.#endFactor, this.#totalIters]
    if (this.epoch === 0) return lr * start
    if (this.epoch > total) return lr
    return lr * (1 + (end - start) / (total * start + (this.epoch - 1) * (end - start)))
  }
}

export interface LinearOptions {
  /** 1/3 by default. */
  startFactor?: number
  /** 1 by default. */
  endFactor?: number
  /** 5 by default. */
  totalIters?: number
}

/** The initial learning rate times a function of the epoch, which counts from 0. */
export class LambdaLR extends Scheduler {
  readonly #lambda: (epoch: number) => number

  constructor(optimizer: Scheduled, lambda: (epoch: number) => number) {
    super(optimizer)
    this.#lambda = lambda
    this.start()
  }

  protected next(_lr: number, baseLr: number): number {
    return baseLr * this.#lambda(this.epoch)
  }
}

function checkCount(option: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least) throw new OptionError(option, `an integer, at least ${least}`, value)
}

function checkFactor(option: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) throw new OptionError(option, 'a number that is not negative', value)
}
