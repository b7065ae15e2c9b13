/**
 * Transforms: what happens to a batch of images on the GPU before the model sees it. Images arrive as bytes
 * [N, H, W, C] (u8, 0..255) and leave as f32 [N, H, W, C]. A transform also describes itself, so that a checkpoint
 * can say how its model wants to be fed.
 */
import { div, sub } from '../autograd/ops/index.js'
import { normalizeImages } from '../autograd/ops/normalize-images.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'

/** A transform as plain data, for checkpoints. */
export type TransformDescription =
  | { readonly name: 'grayscale'; readonly channels: number }
  | { readonly name: 'normalize'; readonly mean: readonly number[]; readonly std: readonly number[] }

export interface Transform {
  readonly description: readonly TransformDescription[]
  /** u8 or f32 [N, H, W, C] -> f32 [N, H, W, C']. Bytes are scaled to 0..1. */
  apply(images: Tensor): Tensor
}

/** ImageNet's mean and standard deviation per channel: what torchvision's pretrained weights expect. */
export const imagenetStatistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

/**
 * The mean and standard deviation per channel that weights expect, for RGB images in 0..1: those that their file tells
 * (`image_mean` and `image_std`, as JSON lists), else ImageNet's.
 *
 * @throws OptionError where the file's are no lists of numbers
 */
export function imageStatistics({ image_mean: mean, image_std: std }: Readonly<Record<string, string>>): {
  readonly mean: readonly number[]
  readonly std: readonly number[]
} {
  if (mean === undefined || std === undefined) return imagenetStatistics
  try {
    return { mean: numbers(JSON.parse(mean)), std: numbers(JSON.parse(std)) }
  } catch (error) {
    throw error instanceof OptionError
      ? error
      : new OptionError('image_mean and image_std', 'JSON lists', `${mean}, ${std}`)
  }
}

/** Repeats grey images in `channels` channels; images that have so many already pass unchanged. */
export function grayscale(channels: number): Transform {
  if (channels !== 1 && channels !== 3) throw new OptionError('grayscale', '1 or 3 channels', channels)
  return {
    description: [{ name: 'grayscale', channels }],
    apply: (images) => normalizeImages(images, { channels, mean: [0], std: [1] }),
  }
}

/** (image / 255 - mean) / std per channel; one value serves all channels. */
export function normalize({ mean, std }: { mean: readonly number[]; std: readonly number[] }): Transform {
  if (mean.length === 0 || mean.length !== std.length) {
    throw new OptionError('normalize', 'as many means as standard deviations', `${mean.length} and ${std.length}`)
  }
  if (![...mean, ...std].every(Number.isFinite) || std.some((value) => value <= 0)) {
    throw new OptionError(
      'normalize',
      'finite means and positive standard deviations',
      `${mean.join()} / ${std.join()}`,
    )
  }
  return {
    description: [{ name: 'normalize', mean: [...mean], std: [...std] }],
    apply: (images) => {
      if (images.dtype === 'u8') return normalizeImages(images, { mean, std })
      return div(sub(images, images.engine.tensor(mean)), images.engine.tensor(std))
    },
  }
}

/** One transform after the other. */
export function compose(transforms: readonly Transform[]): Transform {
  return {
    description: transforms.flatMap(({ description }) => description),
    apply: (images) => transforms.reduce((result, transform) => transform.apply(result), images),
  }
}

/**
 * The transform that a description stands for; the description may come from a damaged file. Throws `OptionError` for a
 * name it does not know and for values that make no sense.
 */
export function fromDescription(description: readonly TransformDescription[]): Transform {
  return compose(
    (description as readonly (Partial<Record<string, unknown>> | null)[]).map((transform) => {
      switch (transform?.name) {
        case 'grayscale':
          return grayscale(transform.channels as number)
        case 'normalize':
          return normalize({ mean: numbers(transform.mean), std: numbers(transform.std) })
        default:
          throw new OptionError('transform', 'grayscale or normalize', transform?.name)
      }
    }),
  )
}

function numbers(value: unknown): number[] {
  if (Array.isArray(value)) return value as number[] // normalize() looks at each
  throw new OptionError('normalize', 'mean and std as lists of numbers', typeof value)
}
