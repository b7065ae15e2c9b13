import { conv2d } from '../autograd/ops/conv2d.js'
import type { EpilogueOptions } from '../autograd/ops/epilogue.js'
import { type Pair, pairOf } from '../autograd/ops/pair.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { defaultInit, uniform } from './init.js'
import { Module } from './module.js'
import { positiveInteger } from './options.js'

export interface Conv2dOptions {
  /** 1 by default. */
  stride?: Pair
  /** Zeros at each border; 0 by default. */
  padding?: Pair
  /** The distance between the elements of the kernel; 1 by default. */
  dilation?: Pair
  /** Input and output channels are cut into so many groups that do not see each other; 1 by default. */
  groups?: number
  /** Whether there is a bias, as by default. */
  bias?: boolean
  /** Sets the weight's initial values; PyTorch's default without it. */
  init?: (weight: Tensor) => void
}

/**
 * A two-dimensional convolution: [N, H, W, inChannels] -> [N, OH, OW, outChannels]. The weight is
 * [KH, KW, inChannels / groups, outChannels] here and torchvision's OIHW in state dicts.
 * Weight and bias begin uniform in +-1/sqrt(fan in), as in PyTorch.
 */
export class Conv2d extends Module {
  readonly weight: Tensor
  readonly bias: Tensor | undefined
  readonly kernelSize: readonly [number, number]
  readonly stride: Pair
  readonly padding: Pair
  readonly dilation: Pair
  readonly groups: number

  constructor(
    engine: Engine,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Pair,
    { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, init = defaultInit }: Conv2dOptions = {},
  ) {
    super(engine)
    positiveInteger('Conv2d: inChannels', inChannels)
    positiveInteger('Conv2d: outChannels', outChannels)
    positiveInteger('Conv2d: groups', groups)
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new OptionError('Conv2d: groups', `a divisor of ${inChannels} and ${outChannels} channels`, groups)
    }
    this.kernelSize = pairOf('Conv2d', 'kernelSize', kernelSize)
    this.stride = stride
    this.padding = padding
    this.dilation = dilation
    this.groups = groups
    const [height, width] = this.kernelSize
    const fanIn = (inChannels / groups) * height * width
    const weight = engine.empty([height, width, inChannels / groups, outChannels])
    init(weight)
    this.weight = this.registerParameter('weight', weight, 'HWIO')
    if (bias) this.bias = this.registerParameter('bias', uniform(engine.empty([outChannels]), 1 / Math.sqrt(fanIn)))
  }

  override forward(input: Tensor): Tensor {
    return this.forwardFused(input)
  }

  /** `forward`, and what follows it in the same pass: a batch norm that is constant, a residual, a ReLU. @internal */
  forwardFused(input: Tensor, epilogue: EpilogueOptions = {}): Tensor {
    const { stride, padding, dilation, groups } = this
    return conv2d(input, this.weight, this.bias, { stride, padding, dilation, groups, ...epilogue })
  }
}
