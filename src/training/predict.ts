/** Prediction: which classes a model sees in images, and how sure it is. */
import { DataError, OptionError, ShapeError } from '../device/errors.js'
import type { DecodedImage } from '../data/resize.js'
import { imageStatistics, normalize, type Transform } from '../data/transforms.js'
import { Classifier } from '../models/index.js'
import type { Module } from '../nn/module.js'
import { positiveInteger } from '../nn/options.js'
import { problemsOf, tuneIfAsked } from './tune.js'

export interface PredictOptions {
  /**
   * What turns bytes [N, H, W, C] into the model's input. By default `normalize` with the mean and deviation that the model's
   * weights file names, else with ImageNet's.
   */
  readonly transform?: Transform
  /** What the classes are called: as many names as the model has classes. */
  readonly classes?: readonly string[]
  /** How many of the most probable classes to tell; 5 by default, all where the model has fewer. */
  readonly topK?: number
  /** Images of one size that the model sees at once; 32 by default. */
  readonly batchSize?: number
  /** Whether to tell the probabilities of all classes, too; false by default. */
  readonly probabilities?: boolean
}

export interface ClassProbability {
  /** Which class, from 0. */
  readonly index: number
  /** What it is called, if `classes` told. */
  readonly name?: string
  /** From 0 to 1. */
  readonly probability: number
}

/** What a model sees in an image. */
export interface Prediction {
  /** The most probable classes, the best first; of equally probable ones the first first. */
  readonly top: readonly ClassProbability[]
  /** [classes], if they were asked for; their sum is 1. */
  readonly probabilities?: Float64Array
}

/**
 * Predicts the classes of images, such as `readImages` gives, in evaluation mode and without gradients. The model's training
 * mode is put back afterwards. An engine with `tune: 'full'` measures first what it needs.
 *
 * @param images bytes [H, W, C]; neighbours of one size share a batch
 * @returns a prediction for each image, in their order
 * @throws OptionError for options that make no sense or do not fit the model's classes, ShapeError where the model does not
 *   take such images, DataError where its output is not finite
 */
export async function predict(
  model: Module,
  images: readonly DecodedImage[],
  options: PredictOptions = {},
): Promise<Prediction[]> {
  const { transform = defaultTransform(model), batchSize = 32, topK = 5 } = options
  positiveInteger('batchSize', batchSize)
  positiveInteger('topK', topK)
  const wasTraining = model.training
  model.eval()
  try {
    const predictions: Prediction[] = []
    for (const batch of batchesOfOneSize(images, batchSize)) {
      for (const logits of await logitsOf(model, transform, batch)) {
        checkFinite(logits, predictions.length)
        predictions.push(predictionOf(logits, topK, options))
      }
    }
    return predictions
  } finally {
    model.train(wasTraining)
  }
}

/** Normalisation as the model's weights expect it. */
function defaultTransform(model: Module): Transform {
  const metadata = model instanceof Classifier ? model.loadReport?.metadata : undefined
  return normalize(imageStatistics(metadata ?? {}))
}

/** At most `batchSize` neighbours at a time, none of another size than the first. */
function* batchesOfOneSize(images: readonly DecodedImage[], batchSize: number): Generator<readonly DecodedImage[]> {
  let begin = 0
  while (begin < images.length) {
    let end = begin + 1
    while (end < images.length && end - begin < batchSize && haveOneSize(images[begin]!, images[end]!)) end++
    yield images.slice(begin, end)
    begin = end
  }
}

function haveOneSize(a: DecodedImage, b: DecodedImage): boolean {
  return a.height === b.height && a.width === b.width && a.channels === b.channels
}

/** The model's output for images of one size: [classes] for each. */
async function logitsOf(
  model: Module,
  transform: Transform,
  batch: readonly DecodedImage[],
): Promise<Float32Array<ArrayBuffer>[]> {
  const { engine } = model
  const { height, width, channels } = batch[0]!
  const bytes = new Uint8Array(batch.length * height * width * channels)
  batch.forEach(({ data }, i) => bytes.set(data, i * height * width * channels))
  const shape = [batch.length, height, width, channels]
  await tuneIfAsked(model, () =>
    problemsOf(model, () => {
      engine.noGrad(() => model.call(transform.apply(engine.empty(shape, 'u8'))))
    }),
  )
  const logits = engine.noGrad(() =>
    engine.scope(() => model.call(transform.apply(engine.tensor(bytes, shape, { dtype: 'u8' })))),
  )
  try {
    const [rows, classes] = logits.shape
    if (logits.rank !== 2 || rows !== batch.length || !classes) {
      throw new ShapeError('predict', `logits [${batch.length}, classes] of the model`, `[${logits.shape.join(', ')}]`)
    }
    const values = (await logits.toArray()) as Float32Array<ArrayBuffer>
    return batch.map((_, i) => values.subarray(i * classes, (i + 1) * classes))
  } finally {
    logits.handle.release('predict')
  }
}

function predictionOf(
  logits: Float32Array,
  topK: number,
  { classes, probabilities: all = false }: PredictOptions,
): Prediction {
  if (classes && classes.length !== logits.length) {
    throw new OptionError('classes', `${logits.length} names, one for each class of the model`, classes.length)
  }
  const probabilities = softmax(logits)
  const best = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b)
  const top = best.slice(0, topK).map((index) => ({
    index,
    ...(classes && { name: classes[index]! }),
    probability: probabilities[index]!,
  }))
  return { top, ...(all && { probabilities }) }
}

/** exp(x) / sum(exp(x)), in doubles. */
function softmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b))
  const exponentials = Float64Array.from(logits, (logit) => Math.exp(logit - largest))
  const sum = exponentials.reduce((a, b) => a + b)
  return exponentials.map((value) => value / sum)
}

function checkFinite(logits: Float32Array, image: number): void {
  const found = logits.find((logit) => !Number.isFinite(logit))
  if (found !== undefined) throw new DataError('predict', `finite logits for image ${image}`, String(found))
}
