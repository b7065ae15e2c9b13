/** Softmax and log-softmax along one dimension. */
import { softmaxBackward } from '../../kernels/softmax/backward.js'
import { softmaxForward } from '../../kernels/softmax/forward.js'
import { checkDType } from '../check.js'
import { normalizeDim, sizeOf } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'

export interface SoftmaxOptions {
  /** The dimension along which the results sum to 1; the last one by default, negative ones count from the end. */
  readonly dim?: number
}

/** exp(x) / sum(exp(x)) along `dim`; f32. Throws `ShapeError` for a dimension that is not there. */
export function softmax(input: Tensor, options: SoftmaxOptions = {}): Tensor {
  return normalized('softmax', input, options, false)
}

/**
 * log(softmax(x)) along `dim`, computed so that neither large nor small logits overflow; f32.
 * Throws `ShapeError` for a dimension that is not there.
 */
export function logSoftmax(input: Tensor, options: SoftmaxOptions = {}): Tensor {
  return normalized('logSoftmax', input, options, true)
}

function normalized(name: string, input: Tensor, { dim = -1 }: SoftmaxOptions, logarithm: boolean): Tensor {
  checkDType(name, 'input', input, 'f32')
  const { engine, shape } = input
  const along = normalizeDim(name, dim, input.rank)
  const layout = {
    outer: sizeOf(shape.slice(0, along)),
    extent: shape[along] ?? 1,
    inner: sizeOf(shape.slice(along + 1)),
    logarithm,
  }
  const output = engine.empty(shape)
  softmaxForward(engine.device, { input: input.buffer, output: output.buffer }, layout)
  return differentiable({
    name,
    inputs: { input },
    output,
    saves: () => ({ output }),
    gradients: ({ gradient, saved }) => {
      const inputGradient = engine.empty(shape)
      softmaxBackward(
        engine.device,
        { output: saved.output.buffer, outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
        layout,
      )
      return { input: inputGradient }
    },
  })
}
