import { DataError, OptionError } from '../device/errors.js'

/** Labelled images of one size, in memory. */
export interface ImageDataset {
  readonly name: string
  /** N*H*W*C bytes in the order [N, H, W, C], each 0..255. */
  readonly images: Uint8Array
  /** N classes, each from 0 to `classes.length - 1`. */
  readonly labels: Int32Array
  /** [H, W, C] of one image. */
  readonly imageShape: readonly [height: number, width: number, channels: number]
  /** N, the number of images. */
  readonly length: number
  /** What the classes are called. */
  readonly classes: readonly string[]
}

/**
 * Makes a data set of arrays that the caller has, checked; it views them and copies nothing.
 *
 * @param fields images [N, H, W, C] as bytes, N labels, [H, W, C], and the classes' names
 * @throws DataError where their lengths do not go together, or a label is outside of the classes
 */
export function imageDataset(fields: Omit<ImageDataset, 'length'>): ImageDataset {
  const { name, images, labels, imageShape, classes } = fields
  const [height, width, channels] = imageShape
  const sizes: readonly number[] = imageShape // JavaScript callers may pass any number of them
  if (sizes.length !== 3 || !sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new DataError(
      name,
      'an image shape [height, width, channels] of positive integers',
      `[${imageShape.join(', ')}]`,
    )
  }
  const bytes = labels.length * height * width * channels
  if (images.length !== bytes) {
    throw new DataError(
      name,
      `${bytes} bytes of images for ${labels.length} labels and images of [${imageShape.join(', ')}]`,
      `${images.length}`,
    )
  }
  checkLabels(labels, classes.length, name)
  return { name, images, labels, imageShape, classes, length: labels.length }
}

/**
 * Checks that every label is a class.
 *
 * @param source what the error calls the labels, such as their file
 * @throws DataError that names the first wrong label and its index, counted from 0
 */
export function checkLabels(labels: ArrayLike<number>, classCount: number, source: string): void {
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index]!
    if (!(label >= 0 && label < classCount)) {
      throw new DataError(source, `labels from 0 to ${classCount - 1}`, `label ${label} at index ${index}`)
    }
  }
}

/**
 * The first `limit` images of a data set, or all where it has fewer; views, not copies.
 *
 * @throws OptionError where `limit` is not a positive integer
 */
export function subset(dataset: ImageDataset, limit: number): ImageDataset {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new OptionError('limit', 'a positive integer', limit)
  if (limit >= dataset.length) return dataset
  const [height, width, channels] = dataset.imageShape
  return {
    ...dataset,
    images: dataset.images.subarray(0, limit * height * width * channels),
    labels: dataset.labels.subarray(0, limit),
    length: limit,
  }
}
