/** What `daybreak predict` uses for a model's images and classes, unless options say otherwise. */
import { stat } from 'node:fs/promises'
import { type Geometry, imagenetGeometry, type ReadImageOptions } from '../data/index.js'
import { fromDescription, normalize, type Transform } from '../data/transforms.js'
import { OptionError, WeightsError } from '../device/errors.js'
import { inputChannelsOf } from '../models/index.js'
import { type CheckpointDescription, checkpointFiles, readCheckpointDescription } from '../training/index.js'
import { isPublishedName, publishedWeights } from '../weights/published.js'

export interface PlanOptions {
  model?: string
  weights?: string
  resize?: number
  crop?: number
}

export interface PredictionPlan {
  readonly model: string
  /** A file, or a name of published weights. */
  readonly weights: string
  readonly image: Geometry & Pick<ReadImageOptions, 'channels'>
  /** Without it, images are normalised as the weights say. */
  readonly transform?: Transform
  /** The checkpoint's. */
  readonly classes?: readonly string[]
}

/** Throws `OptionError` and `WeightsError`. */
export async function planOf(options: PlanOptions): Promise<PredictionPlan> {
  const { weights } = options
  if (weights === undefined) {
    throw new OptionError('weights', 'a file with weights, a checkpoint of finetune, or imagenet', 'nothing')
  }
  if (isPublishedName(weights)) return publishedPlan(weights, options)
  const { description } = checkpointFiles(weights)
  const isCheckpoint = await stat(description).then(
    () => true,
    () => false,
  )
  return isCheckpoint ? checkpointPlan(weights, options) : filePlan(weights, options)
}

function publishedPlan(weights: string, { model = 'resnet50', ...options }: PlanOptions): PredictionPlan {
  const { resizeSize, cropSize } = publishedWeights(model, weights)
  return { model, weights, image: geometryOf(options, { resize: resizeSize, crop: cropSize }) }
}

/** Grey networks are Daybreak's own, trained on digits from -1 to 1. */
function filePlan(weights: string, { model = 'resnet50', ...options }: PlanOptions): PredictionPlan {
  if (inputChannelsOf(model) !== 1) return { model, weights, image: geometryOf(options, imagenetGeometry) }
  const image = { ...geometryOf(options, { resize: 28, crop: 28 }), channels: 1 as const }
  return { model, weights, image, transform: normalize({ mean: [0.5], std: [0.5] }) }
}

/** A checkpoint says how its model was trained. */
async function checkpointPlan(path: string, options: PlanOptions): Promise<PredictionPlan> {
  const description = await readCheckpointDescription(path)
  const files = checkpointFiles(path)
  const { model } = description
  if (model === undefined) throw new OptionError('weights', 'a checkpoint that names its model', path)
  if (options.model !== undefined && options.model !== model) {
    throw new OptionError('model', `"${model}", the model of the checkpoint ${path}`, options.model)
  }
  const transform = fromDescription(description.transform) // checks it, too
  return {
    model,
    weights: files.weights,
    image: trainedImage(description, files.description, options),
    transform,
    classes: checkedClasses(description, files.description),
  }
}

/** The size and the channels of the images that a checkpoint's model was trained with. */
function trainedImage(
  { imageShape, transform, model }: CheckpointDescription,
  file: string,
  options: PlanOptions,
): PredictionPlan['image'] {
  if (imageShape === undefined) {
    const { resize, crop } = options
    if (crop === undefined) throw new OptionError('crop', `a size, as ${file} does not tell its images'`, 'nothing')
    const grey = inputChannelsOf(model!) === 1 || transform.some(({ name }) => name === 'grayscale')
    return { resize: resize ?? crop, crop, channels: grey ? 1 : 3 }
  }
  const sizes: readonly number[] = Array.isArray(imageShape) ? imageShape : []
  const [height = 0, width = 0, channels] = sizes
  const isShape = sizes.length === 3 && sizes.every((size) => Number.isSafeInteger(size) && size > 0)
  if (!isShape || (channels !== 1 && channels !== 3)) {
    const expected = 'an "imageShape" [height, width, 1 or 3 channels]'
    throw new WeightsError(file, { expected, found: JSON.stringify(imageShape) })
  }
  return { ...geometryOf(options, { resize: Math.min(height, width), crop: [height, width] }), channels }
}

/** The options' sizes, else the usual ones. The shorter side is not resized to less than a crop that was asked for. */
function geometryOf({ resize, crop }: PlanOptions, usual: Geometry): Geometry {
  return { resize: resize ?? Math.max(usual.resize, crop ?? 0), crop: crop ?? usual.crop }
}

function checkedClasses({ classes }: CheckpointDescription, file: string): readonly string[] | undefined {
  const isList = Array.isArray(classes) && classes.every((name) => typeof name === 'string')
  if (classes === undefined || isList) return classes
  throw new WeightsError(file, { expected: '"classes" as a list of names', found: JSON.stringify(classes) })
}
