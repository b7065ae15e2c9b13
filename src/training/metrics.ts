/**
 * Loss and accuracy of an epoch. They add up on the GPU; reading them copies a few hundred bytes and stalls nothing,
 * because the trainer goes on recording while a read is on its way.
 */
import type { Engine } from '../autograd/engine.js'
import { crossEntropyAndMetrics } from '../autograd/ops/cross-entropy.js'
import type { Tensor } from '../autograd/tensor.js'
import { accumulateMetrics, metricsHeaderLength } from '../kernels/metrics/accumulate.js'

/** Means over the images seen so far. `accuracy` is a fraction from 0 to 1. */
export interface Metrics {
  readonly loss: number
  readonly accuracy: number
}

export interface MetricsReading extends Metrics {
  readonly images: number
  readonly correct: number
  /** The mean loss of each step so far. */
  readonly losses: Float32Array
  /** The first step, from 1, whose loss was NaN or infinite. */
  readonly firstNonFiniteStep: number | undefined
}

export class MetricsAccumulator {
  #totals: Tensor
  #step = 0

  /** @param steps how many steps will be added at most */
  constructor(
    private readonly engine: Engine,
    steps: number,
  ) {
    this.#totals = this.#zeros(steps)
  }

  /** Begins anew, for so many steps at most; in the same memory, if they fit. */
  reset(steps: number): void {
    this.#step = 0
    if (metricsHeaderLength + steps <= this.#totals.size) {
      this.#totals.set(new Uint32Array(this.#totals.size))
      return
    }
    this.release()
    this.#totals = this.#zeros(steps)
  }

  /** Where the steps are added up. */
  get totals(): Tensor {
    return this.#totals
  }

  get steps(): number {
    return this.#step
  }

  /** The mean cross-entropy of logits [N, classes] and targets i32 [N], which adds the step in the same kernel. */
  crossEntropy(logits: Tensor, targets: Tensor, options: { readonly labelSmoothing?: number } = {}): Tensor {
    const loss = crossEntropyAndMetrics(logits, targets, options, { totals: this.#totals, step: () => this.#step })
    this.#countStep()
    return loss
  }

  /** Adds one step: logits [N, classes], targets i32 [N], and their mean loss. */
  add(logits: Tensor, targets: Tensor, loss: Tensor): void {
    const [rows, classes] = logits.shape as [number, number]
    accumulateMetrics(this.engine.device, {
      logits: logits.buffer,
      targets: targets.buffer,
      loss: loss.buffer,
      totals: this.#totals.buffer,
      rows,
      classes,
      step: () => this.#step,
    })
    this.#countStep()
  }

  /** The totals of all steps added before the call. */
  async read(): Promise<MetricsReading> {
    const steps = this.#step
    const bytes = await this.engine.device.read(this.#totals.buffer, 0, (metricsHeaderLength + steps) * 4)
    const [correct, images, , firstNonFiniteStep] = new Uint32Array(bytes, 0, metricsHeaderLength) as unknown as [
      number,
      number,
      number,
      number,
    ]
    const lossSum = new Float32Array(bytes, 8, 1)[0]!
    return {
      images,
      correct,
      loss: lossSum / Math.max(images, 1),
      accuracy: correct / Math.max(images, 1),
      losses: new Float32Array(bytes, metricsHeaderLength * 4, steps),
      firstNonFiniteStep: firstNonFiniteStep === 0 ? undefined : firstNonFiniteStep,
    }
  }

  /** Returns the memory. */
  release(): void {
    this.#totals.handle.release('the end of the epoch')
  }

  #countStep(): void {
    this.engine.device.everyStep(() => {
      this.#step++
    })
  }

  #zeros(steps: number): Tensor {
    const totals = this.engine.tensor(new Uint32Array(metricsHeaderLength + steps))
    this.engine.scopes.keep(totals)
    return totals
  }
}
