/** Average pooling of images to a given size. */
import { adaptiveAvgPool2dBackward } from '../../kernels/adaptive-avg-pool-2d/backward.js'
import { adaptiveAvgPool2dForward } from '../../kernels/adaptive-avg-pool-2d/forward.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { imageDimensions } from './image.js'
import { type Pair, pairOf } from './pair.js'

/**
 * Averages `input` [N, H, W, C] to [N, OH, OW, C] with `outputSize` = [OH, OW], or one number for both. The windows follow
 * from the sizes as in PyTorch's AdaptiveAvgPool2d; the output may be larger than the input.
 *
 * @throws OptionError unless the output size is made of positive integers
 * @throws ShapeError unless the input is f32 or f16 [N, H, W, C]
 */
export function adaptiveAvgPool2d(input: Tensor, outputSize: Pair): Tensor {
  const { engine } = input
  const { batch, height, width, channels } = imageDimensions('adaptiveAvgPool2d', input)
  const [outputHeight, outputWidth] = pairOf('adaptiveAvgPool2d', 'outputSize', outputSize)
  const shape = { batch, channels, inputHeight: height, inputWidth: width, outputHeight, outputWidth }
  const output = engine.empty([batch, outputHeight, outputWidth, channels], input.dtype)
  adaptiveAvgPool2dForward(engine.device, { input: input.buffer, output: output.buffer }, shape)
  return differentiable({
    name: 'adaptiveAvgPool2d',
    inputs: { input },
    output,
    gradients: ({ gradient }) => {
      const inputGradient = engine.empty([batch, height, width, channels], gradient.dtype)
      adaptiveAvgPool2dBackward(
        engine.device,
        { outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
        shape,
      )
      return { input: inputGradient }
    },
  })
}
