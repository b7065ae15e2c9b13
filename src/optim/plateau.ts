/** A learning rate that follows a measurement, such as the validation loss. */
import { OptionError } from '../device/errors.js'
import type { Scheduled } from './scheduler.js'

export interface PlateauOptions {
  /** Whether smaller (`min`, the default) or larger (`max`) measurements are better. */
  mode?: 'min' | 'max'
  /** What the learning rate is multiplied with; below 1, 0.1 by default. */
  factor?: number
  /** So many epochs without improvement are tolerated; 10 by default. */
  patience?: number
  /** What counts as an improvement, 1e-4 by default. */
  threshold?: number
  /** Whether `threshold` is a part of the best measurement (`rel`, the default) or an amount (`abs`). */
  thresholdMode?: 'rel' | 'abs'
  /** So many epochs after a reduction do not count; 0 by default. */
  cooldown?: number
  /** The learning rate does not fall below this; 0 by default. */
  minLr?: number
  /** A smaller change of the learning rate is not made; 1e-8 by default. */
  eps?: number
}

/** Where the scheduler stands, as plain JSON; `best` is null before the first measurement. */
export interface PlateauState {
  readonly best: number | null
  readonly badEpochs: number
  readonly cooldownLeft: number
  readonly lrs: readonly number[]
}

/** torch.optim.lr_scheduler.ReduceLROnPlateau: reduces the learning rate when a measurement stops improving. */
export class ReduceLROnPlateau {
  readonly #options: Required<PlateauOptions>
  #best: number | undefined
  #badEpochs = 0
  #cooldownLeft = 0

  /** @throws OptionError for a value out of range */
  constructor(
    readonly optimizer: Scheduled,
    options: PlateauOptions = {},
  ) {
    const defaults = { mode: 'min', factor: 0.1, patience: 10, threshold: 1e-4, thresholdMode: 'rel' } as const
    this.#options = { ...defaults, cooldown: 0, minLr: 0, eps: 1e-8, ...options }
    const { mode, thresholdMode, factor } = this.#options
    if (!['min', 'max'].includes(mode)) throw new OptionError('ReduceLROnPlateau: mode', 'min or max', mode)
    if (!['rel', 'abs'].includes(thresholdMode)) {
      throw new OptionError('ReduceLROnPlateau: thresholdMode', 'rel or abs', thresholdMode)
    }
    if (!(factor >= 0 && factor < 1)) {
      throw new OptionError('ReduceLROnPlateau: factor', 'a number from 0, below 1', factor)
    }
    for (const name of ['patience', 'threshold', 'cooldown', 'minLr', 'eps'] as const) {
      const value = this.#options[name]
      if (!(value >= 0)) throw new OptionError(`ReduceLROnPlateau: ${name}`, 'a number that is not negative', value)
    }
  }

  /** The current learning rate of each group. */
  get lrs(): number[] {
    return this.optimizer.groups.map(({ lr }) => lr)
  }

  /** Ends an epoch with its measurement. */
  step(measurement: number): void {
    if (this.#isBetter(measurement)) {
      this.#best = measurement
      this.#badEpochs = 0
    } else {
      this.#badEpochs++
    }
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft--
      this.#badEpochs = 0
    }
    if (this.#badEpochs <= this.#options.patience) return
    this.#reduce()
    this.#cooldownLeft = this.#options.cooldown
    this.#badEpochs = 0
  }

  stateDict(): PlateauState {
    return {
      best: this.#best ?? null,
      badEpochs: this.#badEpochs,
      cooldownLeft: this.#cooldownLeft,
      lrs: this.lrs,
    }
  }

  /** Goes on where `stateDict()` stood; also sets the optimizer's learning rates to what they were then. */
  loadStateDict({ best, badEpochs, cooldownLeft, lrs }: PlateauState): void {
    if (lrs.length !== this.optimizer.groups.length) {
      throw new OptionError('scheduler state: lrs', `${this.optimizer.groups.length} learning rate(s)`, lrs.length)
    }
    this.#best = best ?? undefined
    this.#badEpochs = badEpochs
    this.#cooldownLeft = cooldownLeft
    for (const [i, group] of this.optimizer.groups.entries()) group.lr = lrs[i]!
  }

  #isBetter(measurement: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options
    const best = this.#best ?? (mode === 'min' ? Infinity : -Infinity)
    if (mode === 'min') return measurement < (thresholdMode === 'rel' ? best * (1 - threshold) : best - threshold)
    return measurement > (thresholdMode === 'rel' ? best * (1 + threshold) : best + threshold)
  }

  #reduce(): void {
    const { factor, minLr, eps } = this.#options
    for (const group of this.optimizer.groups) {
      const reduced = Math.max(group.lr * factor, minLr)
      if (group.lr - reduced > eps) group.lr = reduced
    }
  }
}
