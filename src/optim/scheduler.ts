/**
 * What all learning-rate schedulers share. A scheduler changes the learning rates of an optimizer's groups, once when it
 * is made and once in each `step()`, which follows an epoch (or a batch, where a schedule counts in batches).
 *
 * As in PyTorch a schedule multiplies what it finds: several schedulers of one optimizer work together, and a learning
 * rate that is changed by hand stays changed.
 */
import { OptionError } from '../device/errors.js'

/** A parameter group, as far as schedulers are concerned. */
export interface ScheduledGroup {
  lr: number
  /** The learning rate before the first scheduler changed it. */
  initialLr?: number
}

/** Anything with learning rates, such as an `Optimizer`. */
export interface Scheduled {
  readonly groups: readonly ScheduledGroup[]
}

/** Where a scheduler stands, as plain JSON. */
export interface SchedulerState {
  readonly epoch: number
  readonly baseLrs: readonly number[]
  readonly lrs: readonly number[]
}

export abstract class Scheduler {
  /** How often `step()` was called. */
  #epoch = 0
  #baseLrs: readonly number[]

  constructor(readonly optimizer: Scheduled) {
    this.#baseLrs = optimizer.groups.map((group) => (group.initialLr ??= group.lr))
  }

  /** How often `step()` was called. */
  get epoch(): number {
    return this.#epoch
  }

  /** The current learning rate of each group. */
  get lrs(): number[] {
    return this.optimizer.groups.map(({ lr }) => lr)
  }

  /** Goes on to the next epoch. */
  step(): void {
    this.#epoch++
    this.#apply()
  }

  stateDict(): SchedulerState {
    return { epoch: this.#epoch, baseLrs: this.#baseLrs, lrs: this.lrs }
  }

  /** Goes on where `stateDict()` stood; also sets the optimizer's learning rates to what they were then. */
  loadStateDict({ epoch, baseLrs, lrs }: SchedulerState): void {
    const { groups } = this.optimizer
    if (!Number.isInteger(epoch) || epoch < 0) throw new OptionError('scheduler state: epoch', 'a count', epoch)
    if (baseLrs.length !== groups.length || lrs.length !== groups.length) {
      throw new OptionError('scheduler state: lrs', `${groups.length} learning rate(s)`, lrs.length)
    }
    this.#epoch = epoch
    this.#baseLrs = [...baseLrs]
    for (const [i, group] of groups.entries()) {
      group.lr = lrs[i]!
      group.initialLr = baseLrs[i]!
    }
  }

  /** The learning rate of epoch `this.epoch`, given that of the epoch before (the initial one in epoch 0). */
  protected abstract next(lr: number, baseLr: number): number

  /** Sets the learning rates of epoch 0; for the end of a subclass's constructor, when its options are known. */
  protected start(): void {
    this.#apply()
  }

  #apply(): void {
    for (const [i, group] of this.optimizer.groups.entries()) group.lr = this.next(group.lr, this.#baseLrs[i]!)
  }
}
