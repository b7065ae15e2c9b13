/** Loss scaling, for gradients that f16 could not hold otherwise. */
import { mul } from '../autograd/ops/binary.js'
import type { Tensor } from '../autograd/tensor.js'
import { AutogradError, OptionError } from '../device/errors.js'
import { inspectGradients } from '../kernels/optimizer/inspect-gradients.js'
import { updateScale } from '../kernels/optimizer/update-scale.js'
import { gradientsOf, scaleGradients, withSumsOfSquares } from './clip.js'
import type { Optimizer } from './optimizer.js'
import { runsOf } from './runs.js'

export interface GradScalerOptions {
  /** What the loss is multiplied by at first; 65536 by default. Powers of two change no digits. */
  readonly initScale?: number
  /** What the scale is multiplied by after `growthInterval` steps in a row without overflow; 2 by default. */
  readonly growthFactor?: number
  /** What the scale is multiplied by after an overflow; 0.5 by default. */
  readonly backoffFactor?: number
  /** 2000 by default. */
  readonly growthInterval?: number
}

/** Where a scaler stands, as plain JSON. */
export interface GradScalerState {
  readonly scale: number
  /** The steps in a row without overflow. */
  readonly growthTracker: number
}

/**
 * Multiplies the loss, so that small gradients do not vanish in f16, and divides the gradients of the parameters, which are f32,
 * when the optimizer reads them: torch.cuda.amp.GradScaler, for one optimizer.
 *
 *     scaler.scale(loss).backward()
 *     scaler.unscale() // only where somebody wants to look at the gradients, such as clipGradNorm
 *     scaler.step()
 *     scaler.update()
 *
 * Where a gradient is infinite or NaN, parameters and the optimizer's state stay as they are, and the scale shrinks. All that happens
 * on the GPU: nothing is read back.
 *
 * Source: Micikevicius et al., "Mixed Precision Training" (2018).
 */
export class GradScaler {
  readonly #options: Required<GradScalerOptions>
  readonly #scale: Tensor
  /** See `StepGuard`. */
  readonly #guard: Tensor
  #unscaled = false
  #updates = 0

  /** @throws OptionError for a value out of range */
  constructor(
    readonly optimizer: Optimizer,
    options: GradScalerOptions = {},
  ) {
    const { engine } = optimizer
    this.#options = { initScale: 65536, growthFactor: 2, backoffFactor: 0.5, growthInterval: 2000, ...options }
    const { initScale, growthFactor, backoffFactor, growthInterval } = this.#options
    const check = (name: keyof GradScalerOptions, fits: boolean, expected: string) => {
      if (!fits) throw new OptionError(`GradScaler: ${name}`, expected, this.#options[name])
    }
    check('initScale', initScale > 0 && initScale < 2 ** 127, 'a positive number that f32 holds')
    check('growthFactor', growthFactor > 1 && growthFactor < Infinity, 'a number above 1')
    check('backoffFactor', backoffFactor > 0 && backoffFactor < 1, 'a number between 0 and 1')
    check('growthInterval', isCount(growthInterval) && growthInterval > 0, 'a positive integer')
    this.#scale = engine.tensor([initScale], [])
    this.#guard = engine.tensor(new Uint32Array(4))
    engine.scopes.keep(this.#scale)
    engine.scopes.keep(this.#guard)
  }

  /** The loss, f32 [], times the scale: call `backward()` of this. */
  scale(loss: Tensor): Tensor {
    return mul(loss, this.#scale)
  }

  /**
   * Divides the gradients by the scale, once in a step, for those who look at them or clip them. Without it, `step()` divides what it
   * reads, and the gradients stay as they are.
   */
  unscale(): void {
    if (this.#unscaled) throw new AutogradError('GradScaler: unscale() was called twice; call update() after each step')
    this.#inspect(true)
  }

  /** The optimizer's step, which the GPU leaves out where a gradient is not finite. */
  step(): void {
    if (!this.#unscaled) this.#inspect(false)
    this.optimizer.step({ guard: this.#guard })
  }

  /** Ends a step: moves the scale. */
  update(): void {
    this.#unscaled = false
    const { device } = this.optimizer.engine
    device.everyStep(() => {
      this.#updates++
    })
    this.#scale.buffer.version++
    const { growthFactor, backoffFactor, growthInterval } = this.#options
    const [scale, guard] = [this.#scale.buffer, this.#guard.buffer]
    updateScale(device, { scale, guard, growthFactor, backoffFactor, growthInterval })
  }

  /** Finds out whether all gradients are finite. */
  #inspect(unscale: boolean): void {
    this.#unscaled = unscale
    const { engine, groups } = this.optimizer
    const parameters = groups.flatMap(({ params }) => params.map(({ tensor }) => tensor))
    const runs = engine.noGrad(() => runsOf(gradientsOf(parameters, 'GradScaler')))
    if (runs.length === 0) return
    engine.scope(() => {
      const factor = engine.empty([])
      const [scale, guard] = [this.#scale.buffer, this.#guard.buffer]
      withSumsOfSquares(engine.device, runs, (sums) => {
        inspectGradients(engine.device, { ...sums, scale, guard, factor: factor.buffer, unscaled: unscale })
      })
      if (unscale) scaleGradients(runs, factor)
    })
  }

  /** Waits for the scale that the next loss is multiplied by. */
  getScale(): Promise<number> {
    return this.#scale.item()
  }

  /**
   * Waits until it is known how many steps were left out since the last call, and takes them out of the optimizer's count: after
   * this, `optimizer.stateDict()` tells how often parameters were updated. To be called between steps, and before more
   * parameters are trained. Returns the number of steps that were left out.
   */
  async settle(): Promise<number> {
    const before = this.#updates
    const [, , skipped] = (await this.#guard.toArray()) as unknown as [number, number, number]
    if (this.#updates !== before) {
      throw new AutogradError('GradScaler: update() was called while settle() was reading; await it first')
    }
    if (skipped > 0) {
      this.optimizer.uncount(skipped)
      this.optimizer.engine.device.upload(this.#guard.buffer, Uint32Array.of(0), 8)
    }
    return skipped
  }

  /** Waits for what a later scaler needs to go on exactly where this one stands. Call `settle()` first. */
  async stateDict(): Promise<GradScalerState> {
    const [scale, counts] = await Promise.all([this.#scale.item(), this.#guard.toArray()])
    return { scale, growthTracker: counts[1]! }
  }

  /** @throws OptionError for a state that no scaler can have */
  loadStateDict({ scale, growthTracker }: GradScalerState): void {
    if (!(Number.isFinite(scale) && scale >= 0)) throw new OptionError('GradScaler state: scale', 'a number', scale)
    if (!isCount(growthTracker)) throw new OptionError('GradScaler state: growthTracker', 'a count', growthTracker)
    this.#scale.set([scale])
    this.#guard.set([0, growthTracker, 0, 0])
  }
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && value === (value as number) >>> 0
}
