import { OptionError } from '../device/errors.js'
import type { ImageDataset } from './dataset.js'
import { permutation } from './random.js'

export interface BatchOptions {
  /** Images in a batch, from 1 to the length of the data set. */
  batchSize: number
  /** Visit the images in an order that (seed, epoch) decide, instead of the data set's; false by default. */
  shuffle?: boolean
  /** 0 by default. */
  seed?: number
  /** Each epoch has an order of its own; 0 by default. */
  epoch?: number
  /** Leave out the last batch where it is not full; false by default. */
  dropLast?: boolean
}

/** Some images and labels of a data set. The arrays are the batch's own. */
export interface Batch {
  /** [size, H, W, C] as bytes. */
  readonly images: Uint8Array
  /** [size]. */
  readonly labels: Int32Array
  /** [size]: where in the data set each image is. */
  readonly indices: Uint32Array
  readonly size: number
}

/**
 * One epoch over a data set, in batches.
 *
 * @throws OptionError, at once and not with the first batch, where the batch size is not an integer from 1 to the
 *   length of the data set, or the seed or the epoch is not an integer from 0 to 2^53 - 1
 */
export function batches(dataset: ImageDataset, options: BatchOptions): Generator<Batch, void, undefined> {
  const { batchSize, shuffle = false, seed = 0, epoch = 0, dropLast = false } = options
  checkBatchSize(dataset, batchSize)
  const order = shuffle
    ? permutation(dataset.length, seed, epoch)
    : Uint32Array.from({ length: dataset.length }, (_, i) => i)
  return gatherBatches(dataset, order, batchSize, batchCount(dataset.length, batchSize, dropLast))
}

/** How many batches an epoch has. */
export function batchCount(length: number, batchSize: number, dropLast = false): number {
  return dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize)
}

function checkBatchSize(dataset: ImageDataset, batchSize: number): void {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new OptionError('batchSize', 'a positive integer', batchSize)
  }
  if (batchSize > dataset.length) {
    // Training on one batch that is smaller than what was asked for would hide a mistake, most often a small limit.
    throw new OptionError(
      'batchSize',
      `at most ${dataset.length}, the number of images in "${dataset.name}"`,
      batchSize,
    )
  }
}

function* gatherBatches(
  dataset: ImageDataset,
  order: Uint32Array,
  batchSize: number,
  count: number,
): Generator<Batch, void, undefined> {
  const [height, width, channels] = dataset.imageShape
  const imageBytes = height * width * channels
  for (let batch = 0; batch < count; batch++) {
    const indices = order.slice(batch * batchSize, (batch + 1) * batchSize)
    const size = indices.length
    const images = new Uint8Array(size * imageBytes)
    const labels = new Int32Array(size)
    for (let row = 0; row < size; row++) {
      const index = indices[row]!
      images.set(dataset.images.subarray(index * imageBytes, (index + 1) * imageBytes), row * imageBytes)
      labels[row] = dataset.labels[index]!
    }
    yield { images, labels, indices, size }
  }
}
