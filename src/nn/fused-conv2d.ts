import type { Pair } from '../autograd/ops/pair.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { AutogradError } from '../device/errors.js'
import { Conv2d, type Conv2dOptions } from './conv2d.js'

/**
 * A convolution that does the work of the batch norm after it as well; `fuse()` of a model makes it. It always has a
 * bias, and it is always frozen: without its batch norm it would train badly.
 */
export class FusedConv2d extends Conv2d {
  declare readonly bias: Tensor

  constructor(
    engine: Engine,
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    options: Omit<Conv2dOptions, 'bias'> = {},
  ) {
    super(engine, inChannels, outChannels, kernelSize, { ...options, bias: true })
    this.setFrozen(true)
  }

  override setFrozen(frozen: boolean): void {
    if (!frozen) {
      throw new AutogradError(
        'unfreeze: a convolution with a batch norm folded into it is only for inference; ' +
          'train the model that fuse() was called on, or only the layers after the convolutions',
      )
    }
    super.setFrozen(frozen)
  }
}
