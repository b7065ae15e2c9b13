/** Max pooling of images. */
import { maxPool2dBackward } from '../../kernels/max-pool-2d/backward.js'
import { maxPool2dForward } from '../../kernels/max-pool-2d/forward.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import type { Pair } from './pair.js'
import { poolGeometry, type Pool2dOptions } from './pool-2d.js'

export interface MaxPool2dOptions extends Pool2dOptions {
  /** The distance between the places of one window; 1 by default. */
  readonly dilation?: Pair
  /** Whether negative results are replaced by 0, as a ReLU before or after the pool would do; not by default. */
  readonly relu?: boolean
}

/**
 * The largest value of each window of `input` [N, H, W, C]: [N, OH, OW, C], with sizes by PyTorch's rule. Padding takes no
 * part, a NaN makes its windows NaN. The gradient goes to the first of equal maxima in row-major order.
 *
 * @throws OptionError, ShapeError as `poolGeometry` says
 */
export function maxPool2d(input: Tensor, options: MaxPool2dOptions): Tensor {
  const { engine } = input
  const { relu = false } = options
  const { window, shape } = poolGeometry('maxPool2d', input, options)
  const outputShape = [shape.batch, shape.outputHeight, shape.outputWidth, shape.channels]
  // a scope, so that the indices are free at once unless the tape saves them
  return engine.scope(() => {
    const output = engine.empty(outputShape, input.dtype)
    const indices = engine.empty(outputShape, 'u32')
    maxPool2dForward(
      engine.device,
      { input: input.buffer, output: output.buffer, indices: indices.buffer },
      shape,
      window,
      { relu },
    )
    return differentiable({
      name: 'maxPool2d',
      inputs: { input },
      output,
      saves: () => ({ indices, output: relu ? output : undefined }),
      gradients: ({ gradient, saved }) => {
        const inputGradient = engine.empty(
          [shape.batch, shape.inputHeight, shape.inputWidth, shape.channels],
          gradient.dtype,
        )
        maxPool2dBackward(
          engine.device,
          {
            outputGradient: gradient.buffer,
            indices: saved.indices.buffer,
            output: relu ? saved.output.buffer : undefined,
            inputGradient: inputGradient.buffer,
          },
          shape,
          window,
        )
        return { input: inputGradient }
      },
    })
  })
}
