/**
 * What `finetune` and `evaluate` share: how a data set is prepared for a model, and what is printed about the adapter.
 */
import type { Engine } from '../autograd/engine.js'
import type { ImageDataset } from '../data/index.js'
import { compose, grayscale, imagenetStatistics, normalize, type Transform } from '../data/transforms.js'

/**
 * Grey to three channels where the model wants three, then normalisation: with ImageNet's statistics for pretrained weights,
 * which were trained that way, else to -1..1.
 */
export function transformFor(dataset: ImageDataset, inputChannels: number, pretrained: boolean): Transform {
  const statistics = pretrained && inputChannels === 3 ? imagenetStatistics : { mean: [0.5], std: [0.5] }
  const channels = inputChannels === 1 || inputChannels === 3 ? inputChannels : undefined
  const repeat = channels !== undefined && dataset.imageShape[2] !== channels ? [grayscale(channels)] : []
  return compose([...repeat, normalize(statistics)])
}

/** `NVIDIA GeForce RTX 4070 (gpu, system driver)`. */
export function describeAdapter({ device: { adapter } }: Engine): string {
  const kind = adapter.kind === 'gpu' ? 'GPU' : 'software, on the CPU'
  return `${adapter.name} (${kind}, ${adapter.source} driver)`
}
