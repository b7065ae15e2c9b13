/** Dropout: some elements become 0 at random. */
import { dropout as dropoutKernel } from '../../kernels/dropout/dropout.js'
import { checkFloats, checkNumber } from '../check.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'

export interface DropoutOptions {
  /** The probability that an element becomes 0, from 0 to 1; 0.5 by default. */
  readonly p?: number
  /** Whether anything is dropped at all; true by default. */
  readonly training?: boolean
}

/**
 * In training, each element is 0 with probability `p`, and otherwise divided by 1 - p, so that its expectation stays
 * (Srivastava et al., 2014; the same as PyTorch's). In evaluation and with p = 0, the input itself.
 *
 * Which elements are dropped follows from the engine's seed and the number of the call. The backward pass draws the same
 * numbers again, nothing is saved.
 *
 * @throws OptionError for a `p` outside of 0 to 1, ShapeError unless the input is f32 or f16
 */
export function dropout(input: Tensor, { p = 0.5, training = true }: DropoutOptions = {}): Tensor {
  const dtype = checkFloats('dropout', 'input', input)
  checkNumber('dropout: p', p, 0, 1)
  if (!training || p === 0) return input
  const { engine, shape, size } = input
  const random = engine.drawRandom()
  const drop = (from: Tensor): Tensor => {
    if (p === 1) return engine.full(shape, 0, dtype)
    const output = engine.empty(shape, dtype)
    dropoutKernel(engine.device, { input: from.buffer, output: output.buffer, size, p, random })
    return output
  }
  return differentiable({
    name: 'dropout',
    inputs: { input },
    output: drop(input),
    gradients: ({ gradient }) => ({ input: drop(gradient) }),
  })
}
