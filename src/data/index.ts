/**
 * Data sets: files of images and labels -> `ImageDataset` in memory -> batches. And single images: files -> `DecodedImage`.
 *
 * Here live the readers of data set files (IDX), the data sets known by name, deterministic shuffling and batching, the
 * decoding and resizing of image files, and the names of classes. All of that is bytes on the CPU. What is done to the pixels (grey to three channels, normalisation, augmentation)
 * runs on the GPU.
 *
 * Not here: weights and checkpoints (`src/weights`, `src/training`), and the loop over epochs (`src/training`).
 */
export { batchCount, batches, type Batch, type BatchOptions } from './batches.js'
export { imageDataset, subset, type ImageDataset } from './dataset.js'
export { readClassNames } from './class-names.js'
export { datasetLoader, datasets, type DatasetLoader, type DatasetName, type DatasetOptions } from './datasets.js'
export { imagenetClasses } from './imagenet-classes.js'
export {
  decodeImage,
  type DecodeOptions,
  imagenetGeometry,
  readImage,
  type ReadImageOptions,
  readImages,
} from './images.js'
export { mnist, type MnistOptions } from './mnist.js'
export { permutation, RandomStream } from './random.js'
export { type DecodedImage, type Geometry, resizeAndCrop, type Size } from './resize.js'
