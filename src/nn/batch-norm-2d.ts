import { batchNorm2d, type BatchNormMode } from '../autograd/ops/batch-norm-2d.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { type Counter, Module } from './module.js'
import { positiveInteger } from './options.js'

export interface BatchNorm2dOptions {
  /** Added to the variance; 1e-5 by default. */
  eps?: number
  /** The share of the batch's statistics in the running ones; 0.1 by default, `null` for the plain average of all batches. */
  momentum?: number | null
}

/**
 * Batch normalisation of [N, H, W, C] over N, H and W (Ioffe and Szegedy, 2015), in one of three modes:
 *
 * - training: by the batch's mean and (biased) variance; the running statistics move, with the unbiased variance,
 * - evaluation, after `eval()`: by the running statistics,
 * - frozen, after `freeze()`: by the running statistics even in training, with constant weight and bias.
 */
export class BatchNorm2d extends Module {
  readonly weight: Tensor
  readonly bias: Tensor
  readonly runningMean: Tensor
  readonly runningVar: Tensor
  readonly eps: number
  /** The share of the batch's statistics in the running ones; `null` averages all batches since the last reset. */
  momentum: number | null
  readonly #batches: Counter
  #frozen = false

  constructor(
    engine: Engine,
    readonly numFeatures: number,
    { eps = 1e-5, momentum = 0.1 }: BatchNorm2dOptions = {},
  ) {
    super(engine)
    positiveInteger('BatchNorm2d: numFeatures', numFeatures)
    this.eps = eps
    this.momentum = momentum
    this.weight = this.registerParameter('weight', engine.ones([numFeatures]))
    this.bias = this.registerParameter('bias', engine.zeros([numFeatures]))
    this.runningMean = this.registerBuffer('running_mean', engine.zeros([numFeatures]))
    this.runningVar = this.registerBuffer('running_var', engine.ones([numFeatures]))
    this.#batches = this.registerCounter('num_batches_tracked')
  }

  /** How many batches have moved the running statistics. */
  get numBatchesTracked(): number {
    return this.#batches.value
  }

  /** Forgets the running statistics: mean 0, variance 1. */
  resetRunningStats(): void {
    this.runningMean.set(new Float32Array(this.numFeatures))
    this.runningVar.set(new Float32Array(this.numFeatures).fill(1))
    this.#batches.value = 0
  }

  /** Whether `freeze()` has fixed the statistics. */
  get frozen(): boolean {
    return this.#frozen
  }

  override setFrozen(frozen: boolean): void {
    super.setFrozen(frozen)
    this.#frozen = frozen
  }

  override addRecordingKey(key: unknown[]): void {
    super.addRecordingKey(key)
    key.push(this.#frozen)
  }

  get #mode(): BatchNormMode {
    return this.#frozen ? 'frozen' : this.training ? 'training' : 'evaluation'
  }

  /** Whether its next run applies constants: a convolution in front of it can do that as well. @internal */
  get isConstant(): boolean {
    if (this.#mode !== 'evaluation') return this.#mode === 'frozen'
    return !(this.engine.gradEnabled && (this.weight.requiresGrad || this.bias.requiresGrad))
  }

  override forward(input: Tensor): Tensor {
    return this.forwardFused(input)
  }

  /** `forward`, and what follows it in the same pass: a residual, a ReLU. @internal */
  forwardFused(input: Tensor, { residual, relu }: { residual?: Tensor | undefined; relu?: boolean } = {}): Tensor {
    const { weight, bias, runningMean, runningVar, eps } = this
    const mode = this.#mode
    const momentum = () => this.momentum ?? 1 / (this.#batches.value + 1)
    const output = batchNorm2d(input, { weight, bias, runningMean, runningVar, mode, momentum, eps, residual, relu })
    if (mode === 'training' && !this.engine.recomputation.active) {
      this.engine.device.everyStep(() => {
        this.#batches.value++
      })
    }
    return output
  }
}
