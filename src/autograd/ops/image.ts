/** What every operation on images expects of its input. */
import { ShapeError } from '../../device/errors.js'
import { formatShape } from '../shape.js'
import type { Tensor } from '../tensor.js'

/** The dimensions of a batch of images in memory order. */
export interface ImageDimensions {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** The dimensions of a tensor [N, H, W, C], f32 or f16. Throws `ShapeError` for any other tensor. */
export function imageDimensions(operation: string, input: Tensor): ImageDimensions {
  if (input.rank !== 4 || (input.dtype !== 'f32' && input.dtype !== 'f16')) {
    throw new ShapeError(operation, 'an f32 or f16 tensor [N, H, W, C]', `${input.dtype} ${formatShape(input.shape)}`)
  }
  const [batch, height, width, channels] = input.shape as readonly [number, number, number, number]
  return { batch, height, width, channels }
}
