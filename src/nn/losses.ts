/** Losses: like modules, but of two inputs and without state. The function is `crossEntropy` of the operations. */
import { crossEntropy, type CrossEntropyOptions } from '../autograd/ops/cross-entropy.js'
import type { Tensor } from '../autograd/tensor.js'

/** Cross-entropy of logits [N, classes] with labels i32 [N]; the mean over the labels that count, by default. */
export class CrossEntropyLoss {
  constructor(readonly options: Readonly<CrossEntropyOptions> = {}) {}

  /**
   * @param input logits, [N, classes]
   * @param target labels from 0 to classes - 1, i32 [N]
   */
  call(input: Tensor, target: Tensor): Tensor {
    return input.engine.scope(() => crossEntropy(input, target, this.options))
  }
}
