/**
 * What `finetune` and `evaluate` share: how a data set is prepared for a model, and what is printed about the adapter.
 */
import type { Engine } from '../autograd/engine.js'
import type { ImageDataset } from '../data/index.js'
import { compose, grayscale, imageStatistics, normalize, type Transform } from '../data/transforms.js'
import type { WeightsReport } from '../models/index.js'

/**
 * Grey to three channels where the model wants three, then normalisation: as pretrained weights were trained (as their file
 * says, else with ImageNet's statistics), without weights to -1..1.
 *
 * @param loaded what the model's weights came from
 */
export function transformFor(
  dataset: ImageDataset,
  inputChannels: number,
  loaded: Pick<WeightsReport, 'metadata'> | undefined,
): Transform {
  const pretrained = loaded && inputChannels === 3 ? imageStatistics(loaded.metadata) : undefined
  const statistics = pretrained ?? { mean: [0.5], std: [0.5] }
  const channels = inputChannels === 1 || inputChannels === 3 ? inputChannels : undefined
  const repeat = channels !== undefined && dataset.imageShape[2] !== channels ? [grayscale(channels)] : []
  return compose([...repeat, normalize(statistics)])
}

/** `NVIDIA GeForce RTX 4070 (gpu, system driver)`. */
export function describeAdapter({ device: { adapter } }: Engine): string {
  const kind = adapter.kind === 'gpu' ? 'GPU' : 'software, on the CPU'
  return `${adapter.name} (${kind}, ${adapter.source} driver)`
}
