/** The first step of every vision model: bytes to normalized numbers. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { imageNormalize, maxImageChannels } from '../../kernels/image/normalize.js'
import { checkDType } from '../check.js'
import { checkRank, formatShape } from '../shape.js'
import type { Tensor } from '../tensor.js'

export interface NormalizeImagesOptions {
  /** What is subtracted from each channel of values from 0 to 1; one number serves all channels. */
  readonly mean: readonly number[]
  /** What each channel is divided by afterwards; one number serves all channels. */
  readonly std: readonly number[]
  /**
   * The channels of the result. A grey image may be repeated in up to 4; by default in as many as `mean` and `std` are
   * given for. Images with several channels keep them.
   */
  readonly channels?: number
}

/**
 * (image / 255 - mean) / std per channel: torchvision's `ToTensor` and `Normalize`. It has no gradient.
 *
 * @param images u8 [N, H, W, C], 1 to 4 channels
 * @returns f32 [N, H, W, channels]
 * @throws ShapeError, OptionError
 */
export function normalizeImages(images: Tensor, { mean, std, channels }: NormalizeImagesOptions): Tensor {
  checkRank('normalizeImages', images.shape, 4, 'images [N, H, W, C]')
  checkDType('normalizeImages', 'images', images, 'u8')
  const [n, h, w, inputChannels] = images.shape as [number, number, number, number]
  if (inputChannels > maxImageChannels) {
    throw new ShapeError('normalizeImages', `at most ${maxImageChannels} channels`, formatShape(images.shape))
  }
  const statistics = Math.max(mean.length, std.length)
  const outputChannels = channels ?? (inputChannels === 1 ? statistics : inputChannels)
  const isPossible = Number.isInteger(outputChannels) && outputChannels >= 1 && outputChannels <= maxImageChannels
  if (!isPossible || (inputChannels > 1 && outputChannels !== inputChannels)) {
    const possible = inputChannels > 1 ? `${inputChannels}, as the images have` : `1 to ${maxImageChannels}`
    throw new OptionError('normalizeImages: channels', possible, outputChannels)
  }
  const { engine } = images
  const output = engine.empty([n, h, w, outputChannels])
  imageNormalize(engine.device, {
    input: images.buffer,
    output: output.buffer,
    pixels: n * h * w,
    inputChannels,
    channels: outputChannels,
    mean: perChannel('mean', mean, outputChannels),
    std: perChannel('std', std, outputChannels),
  })
  return output
}

function perChannel(name: 'mean' | 'std', values: readonly number[], channels: number): readonly number[] {
  const fits = values.length === 1 || values.length === channels
  if (!fits || !values.every((value) => Number.isFinite(value) && (name === 'mean' || value > 0))) {
    throw new OptionError(
      `normalizeImages: ${name}`,
      `${name === 'std' ? 'positive numbers' : 'finite numbers'}, one or ${channels}`,
      `[${values.join(', ')}]`,
    )
  }
  return values.length === 1 ? Array.from({ length: channels }, () => values[0]!) : values
}
