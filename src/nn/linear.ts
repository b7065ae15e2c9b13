import { linear, type LinearOptions as LinearEpilogue } from '../autograd/ops/linear.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { defaultInit, uniform } from './init.js'
import { Module } from './module.js'
import { positiveInteger } from './options.js'

export interface LinearOptions {
  /** Whether there is a bias, as by default. */
  bias?: boolean
  /** Sets the weight's initial values; PyTorch's default without it. */
  init?: (weight: Tensor) => void
}

/**
 * A fully connected layer: [N, inFeatures] -> [N, outFeatures], input * weight^T + bias with the weight [out, in].
 * Weight and bias begin uniform in +-1/sqrt(inFeatures), as in PyTorch.
 */
export class Linear extends Module {
  readonly weight: Tensor
  readonly bias: Tensor | undefined

  constructor(
    engine: Engine,
    readonly inFeatures: number,
    readonly outFeatures: number,
    { bias = true, init = defaultInit }: LinearOptions = {},
  ) {
    super(engine)
    positiveInteger('Linear: inFeatures', inFeatures)
    positiveInteger('Linear: outFeatures', outFeatures)
    const weight = engine.empty([outFeatures, inFeatures])
    init(weight)
    this.weight = this.registerParameter('weight', weight)
    if (bias)
      this.bias = this.registerParameter('bias', uniform(engine.empty([outFeatures]), 1 / Math.sqrt(inFeatures)))
  }

  override forward(input: Tensor): Tensor {
    return this.forwardFused(input)
  }

  /** `forward`, and a ReLU in the same pass. @internal */
  forwardFused(input: Tensor, options?: LinearEpilogue): Tensor {
    return linear(input, this.weight, this.bias, options)
  }
}
