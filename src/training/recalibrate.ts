/**
 * Measures the running statistics of batch norms anew, with the weights as they are now. While weights change quickly the
 * moving averages describe a network that no longer exists; after a short run that can cost most of the accuracy
 * ("precise batch norm": Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021).
 */
import { batches, type ImageDataset, subset } from '../data/index.js'
import type { Transform } from '../data/transforms.js'
import { BatchNorm2d } from '../nn/batch-norm-2d.js'
import type { Module } from '../nn/module.js'
import { callIn, checkPrecision, type Precision } from './precision.js'

export interface RecalibrationOptions {
  readonly transform: Transform
  /** From the beginning of the data set; 256 by default. */
  readonly images?: number
  /** 64 by default: nothing is kept for gradients, so it may exceed the training's. */
  readonly batchSize?: number
  /** Of the activations; f32 by default. */
  readonly precision?: Precision
}

/** Replaces the running statistics of all batch norms that are not frozen by the plain average over some images. */
export async function recalibrateBatchNorm(
  model: Module,
  dataset: ImageDataset,
  { transform, images = 256, batchSize = 64, precision = 'f32' }: RecalibrationOptions,
): Promise<void> {
  const { engine } = model
  checkPrecision(engine, precision)
  const layers = [...model.namedModules().values()].filter(
    (module): module is BatchNorm2d => module instanceof BatchNorm2d && !module.frozen,
  )
  if (layers.length === 0) return
  const wasTraining = model.training
  const momenta = layers.map(({ momentum }) => momentum)
  model.eval() // dropout must not drop
  for (const layer of layers) {
    layer.training = true
    layer.momentum = null
    engine.noGrad(() => {
      layer.resetRunningStats()
    })
  }
  try {
    const part = subset(dataset, images)
    // full batches only: the average gives each batch the same weight
    for (const batch of batches(part, { batchSize: Math.min(batchSize, part.length), dropLast: true })) {
      engine.scope(() => {
        const bytes = engine.tensor(batch.images, [batch.size, ...part.imageShape], { dtype: 'u8' })
        engine.noGrad(() => callIn(precision, model, transform.apply(bytes)))
      })
      await engine.idle()
    }
  } finally {
    for (const [i, layer] of layers.entries()) layer.momentum = momenta[i]!
    model.train(wasTraining)
  }
}
