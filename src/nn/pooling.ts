/** Pooling layers: [N, H, W, C] -> [N, OH, OW, C], each channel by itself. */
import { adaptiveAvgPool2d } from '../autograd/ops/adaptive-avg-pool-2d.js'
import { avgPool2d } from '../autograd/ops/avg-pool-2d.js'
import { maxPool2d } from '../autograd/ops/max-pool-2d.js'
import type { Pair } from '../autograd/ops/pair.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { Module } from './module.js'

export interface MaxPool2dOptions {
  /** The kernel size by default: windows that do not overlap. */
  stride?: Pair
  padding?: Pair
  dilation?: Pair
  /** Whether windows that reach beyond the border are kept; not by default. */
  ceilMode?: boolean
}

/** The largest value of each window. */
export class MaxPool2d extends Module {
  constructor(
    engine: Engine,
    readonly kernelSize: Pair,
    readonly options: Readonly<MaxPool2dOptions> = {},
  ) {
    super(engine)
  }

  override forward(input: Tensor): Tensor {
    return this.forwardFused(input)
  }

  /** `forward`, and a ReLU before or after it in the same pass. @internal */
  forwardFused(input: Tensor, { relu = false }: { readonly relu?: boolean } = {}): Tensor {
    return maxPool2d(input, { kernelSize: this.kernelSize, ...this.options, relu })
  }
}

export interface AvgPool2dOptions {
  /** The kernel size by default: windows that do not overlap. */
  stride?: Pair
  padding?: Pair
  /** Whether windows that reach beyond the border are kept; not by default. */
  ceilMode?: boolean
  /** Whether the zeros of the padding count as values, as by default. */
  countIncludePad?: boolean
}

/** The mean of each window. */
export class AvgPool2d extends Module {
  constructor(
    engine: Engine,
    readonly kernelSize: Pair,
    readonly options: Readonly<AvgPool2dOptions> = {},
  ) {
    super(engine)
  }

  override forward(input: Tensor): Tensor {
    return avgPool2d(input, { kernelSize: this.kernelSize, ...this.options })
  }
}

/** The means of windows that are chosen such that the output is `outputSize` for any input size. */
export class AdaptiveAvgPool2d extends Module {
  constructor(
    engine: Engine,
    readonly outputSize: Pair,
  ) {
    super(engine)
  }

  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize)
  }
}
