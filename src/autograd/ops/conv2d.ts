/** 2-D convolution of images, as in PyTorch: the kernel is not flipped. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { type Conv2dGeometry, outputLength } from '../../kernels/conv2d/geometry.js'
import { checkDType } from '../check.js'
import { formatShape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { checkBias, sumOfColumns } from './bias.js'
import { convolve, inputGradientOf, weightGradientOf } from './convolution.js'
import { checkEpilogue, type EpilogueOptions, gradientsBehind, savedOfEpilogue, withEpilogue } from './epilogue.js'
import { imageDimensions } from './image.js'
import { type Pair, pairOf } from './pair.js'

/** Besides its own options, what follows the convolution in the same pass. */
export interface Conv2dOptions extends EpilogueOptions {
  /** Pixels from one output to the next; 1 by default. Every pair is one number or [height, width]. */
  readonly stride?: Pair
  /** Zero pixels around the image; 0 by default. */
  readonly padding?: Pair
  /** Pixels from one tap of the kernel to the next; 1 by default. */
  readonly dilation?: Pair
  /** Groups of input channels, each seen by its own group of output channels; 1 by default. */
  readonly groups?: number
}

/**
 * Convolves `input` [N, H, W, Cin] with `weight` [KH, KW, Cin / groups, Cout] and adds `bias` [Cout], all f32 (the input, and with it
 * the result, may be f16: then an f16 form of the weight is read, and sums are f32 all the same); then applies a
 * batch norm, adds a residual and takes `max(..., 0)`, if asked for, before the result is stored.
 *
 * @returns [N, OH, OW, Cout] with OH = floor((H + 2 * padding - dilation * (KH - 1) - 1) / stride) + 1, and OW likewise
 * @throws ShapeError when the shapes do not fit, or the kernel is larger than the padded image
 * @throws OptionError for a stride, padding, dilation or number of groups that makes no sense
 */
export function conv2d(input: Tensor, weight: Tensor, bias?: Tensor, options: Conv2dOptions = {}): Tensor {
  const geometry = geometryOf(input, weight, options)
  checkBias('conv2d', bias, geometry.outputChannels)
  const outputShape = [geometry.batch, ...geometry.outputSize, geometry.outputChannels]
  checkEpilogue('conv2d', options, { shape: outputShape, dtype: input.dtype })
  const output = withEpilogue(bias, options, (epilogue) => convolve(input, weight, geometry, epilogue))
  return differentiable({
    name: 'conv2d',
    inputs: { input, weight, bias, residual: options.residual },
    output,
    saves: (needs) => ({
      input: needs.weight ? input : undefined,
      weight: needs.input ? weight : undefined,
      ...savedOfEpilogue(options, output, needs.input || needs.weight || needs.bias),
    }),
    gradients: ({ gradient, saved, needs, into }) => {
      const { product, residual } = gradientsBehind(gradient, saved, options, {
        product: needs.input || needs.weight || needs.bias,
        residual: needs.residual,
      })
      return {
        input: needs.input ? inputGradientOf(product!, saved.weight, geometry, !needs.weight) : undefined,
        weight: needs.weight ? weightGradientOf(product!, saved.input, geometry, into('weight')) : undefined,
        bias: needs.bias ? sumOfColumns(product!, into('bias')) : undefined,
        residual,
      }
    },
  })
}

function geometryOf(input: Tensor, weight: Tensor, options: Conv2dOptions): Conv2dGeometry {
  const { batch, height, width, channels } = imageDimensions('conv2d', input)
  checkDType('conv2d', 'weight', weight, 'f32')
  if (weight.rank !== 4) {
    throw new ShapeError('conv2d', 'weight [KH, KW, Cin / groups, Cout]', formatShape(weight.shape))
  }
  const [kernelHeight, kernelWidth, groupInputs, outputChannels] = weight.shape as readonly [
    number,
    number,
    number,
    number,
  ]
  const stride = pairOf('conv2d', 'stride', options.stride ?? 1)
  const padding = pairOf('conv2d', 'padding', options.padding ?? 0, 0)
  const dilation = pairOf('conv2d', 'dilation', options.dilation ?? 1)
  const groups = options.groups ?? 1
  if (!Number.isInteger(groups) || groups < 1) throw new OptionError('conv2d: groups', 'a positive integer', groups)
  if (channels % groups !== 0 || outputChannels % groups !== 0) {
    throw new ShapeError(
      'conv2d',
      `input and output channels that ${groups} groups divide`,
      `${channels} input and ${outputChannels} output channels`,
    )
  }
  if (channels !== groupInputs * groups) {
    throw new ShapeError(
      'conv2d',
      `weight [KH, KW, ${channels / groups}, Cout] for input ${formatShape(input.shape)} and ${groups} group(s)`,
      formatShape(weight.shape),
    )
  }
  const outputSize: [number, number] = [
    outputLength(height, kernelHeight, stride[0], padding[0], dilation[0]),
    outputLength(width, kernelWidth, stride[1], padding[1], dilation[1]),
  ]
  if (Math.min(...outputSize) < 1) {
    throw new ShapeError(
      'conv2d',
      `an image of at least the kernel's size, ${kernelHeight} x ${kernelWidth} with dilation ${dilation.join(' x ')}`,
      `${height} x ${width} with padding ${padding.join(' x ')}`,
    )
  }
  return {
    batch,
    inputSize: [height, width],
    inputChannels: channels,
    outputSize,
    outputChannels,
    kernelSize: [kernelHeight, kernelWidth],
    stride,
    padding,
    dilation,
    groups,
  }
}
