/** Layers without parameters and without windows. */
import { dropout } from '../autograd/ops/dropout.js'
import { flatten } from '../autograd/ops/flatten.js'
import { relu } from '../autograd/ops/relu.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { Module } from './module.js'

/** max(input, 0), elementwise; any shape. */
export class ReLU extends Module {
  override forward(input: Tensor): Tensor {
    return relu(input)
  }
}

/**
 * In training, sets each element to zero with probability `p` and divides the others by 1 - p; in evaluation, passes its
 * input on (Srivastava et al., 2014). The random numbers are the engine's: see `manualSeed`.
 */
export class Dropout extends Module {
  readonly p: number

  constructor(engine: Engine, { p = 0.5 }: { p?: number } = {}) {
    super(engine)
    if (!(p >= 0 && p <= 1)) throw new OptionError('Dropout: p', 'a probability from 0 to 1', p)
    this.p = p
  }

  override forward(input: Tensor): Tensor {
    return dropout(input, { p: this.p, training: this.training })
  }
}

/** [N, H, W, C] -> [N, C * H * W], in PyTorch's order of features: C, then H, then W. */
export class Flatten extends Module {
  override forward(input: Tensor): Tensor {
    return flatten(input)
  }
}

/** Passes its input on: for taking a layer out of a model. */
export class Identity extends Module {
  override forward(input: Tensor): Tensor {
    return input
  }
}
