/** Average pooling of images. */
import { avgPool2dBackward } from '../../kernels/avg-pool-2d/backward.js'
import { avgPool2dForward } from '../../kernels/avg-pool-2d/forward.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { poolGeometry, type Pool2dOptions } from './pool-2d.js'

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Whether padding counts, as zeros, in the average; true by default. Places beyond the padding never count. */
  readonly countIncludePad?: boolean
}

/**
 * The average of each window of `input` [N, H, W, C]: [N, OH, OW, C], with sizes by PyTorch's rule.
 *
 * @throws OptionError, ShapeError as `poolGeometry` says
 */
export function avgPool2d(input: Tensor, options: AvgPool2dOptions): Tensor {
  const { engine } = input
  const { countIncludePad = true } = options
  const { window: places, shape } = poolGeometry('avgPool2d', input, { ...options, dilation: 1 })
  const window = { ...places, countPadding: countIncludePad }
  const output = engine.empty([shape.batch, shape.outputHeight, shape.outputWidth, shape.channels], input.dtype)
  avgPool2dForward(engine.device, { input: input.buffer, output: output.buffer }, shape, window)
  return differentiable({
    name: 'avgPool2d',
    inputs: { input },
    output,
    gradients: ({ gradient }) => {
      const inputGradient = engine.empty(
        [shape.batch, shape.inputHeight, shape.inputWidth, shape.channels],
        gradient.dtype,
      )
      avgPool2dBackward(
        engine.device,
        { outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
        shape,
        window,
      )
      return { input: inputGradient }
    },
  })
}
