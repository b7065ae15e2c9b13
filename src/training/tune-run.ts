/** What a run of training will ask of the tuner. */
import type { Tensor } from '../autograd/tensor.js'
import type { ImageDataset } from '../data/index.js'
import type { Transform } from '../data/transforms.js'
import type { Module } from '../nn/module.js'
import type { Optimizer } from '../optim/optimizer.js'
import type { TuningProblem } from '../tuning/tunable.js'
import { problemsOfEvaluation } from './evaluate.js'
import { callIn, type Precision } from './precision.js'
import { problemsOf } from './tune.js'

export interface TrainingRun {
  readonly model: Module
  readonly optimizer: Optimizer
  readonly loss: (logits: Tensor, labels: Tensor) => Tensor
  readonly transform: Transform
  readonly precision: Precision
}

/** The problems of a step over a full batch, and of the validation. */
export function problemsOfRun(
  { model, optimizer, loss, transform, precision }: TrainingRun,
  train: ImageDataset,
  { batchSize = 128, validation }: { readonly batchSize?: number; readonly validation?: ImageDataset },
): readonly TuningProblem[] {
  const { engine } = model
  const size = Math.min(batchSize, train.length)
  const training = problemsOf(model, () => {
    model.train()
    const images = transform.apply(engine.empty([size, ...train.imageShape], 'u8'))
    loss(callIn(precision, model, images), engine.empty([size], 'i32')).backward()
  })
  optimizer.zeroGrad() // there may be parameters that are not the model's
  const options = { transform, batchSize, precision }
  return [...training, ...(validation ? problemsOfEvaluation(model, validation, options) : [])]
}
