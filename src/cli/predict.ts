/** `daybreak predict`: the classes that a network sees in image files. */
import type { Engine } from '../autograd/engine.js'
import { imagenetClasses, readClassNames, readImage, type ReadImageOptions } from '../data/index.js'
import type { DecodedImage } from '../data/resize.js'
import { DataError } from '../device/errors.js'
import { type Classifier, createModel } from '../models/index.js'
import { checkpointFiles, predict, type Prediction } from '../training/index.js'
import { DownloadDisplay } from './download-display.js'
import { type EngineCommandOptions, openEngine } from './engine.js'
import { planOf, type PlanOptions, type PredictionPlan } from './predict-plan.js'
import { CountDisplay, percent } from './progress.js'
import { describeAdapter } from './recipe.js'

export interface PredictCommandOptions extends PlanOptions, EngineCommandOptions {
  weightsUrl?: string
  top: number
  classes?: string
  batchSize: number
  applyExifOrientation?: boolean
  json?: boolean
}

/** An image that could be read. */
interface ReadFile {
  readonly file: string
  readonly image: DecodedImage
}

/** Prints a prediction for each image; sets the process's exit code to 1 where one cannot be read. */
export async function predictCommand(files: readonly string[], options: PredictCommandOptions): Promise<void> {
  const plan = await planOf(options)
  const named = options.classes === undefined ? plan.classes : await readClassNames(options.classes)
  const engine = await openEngine(options)
  try {
    const model = await loadModel(engine, plan, options)
    const namesFile = options.classes ?? checkpointFiles(plan.weights).description
    const classes = classNames(named, model.numClasses, namesFile)
    if (!options.json) {
      console.log(`adapter   ${describeAdapter(engine)}`)
      console.log(`model     ${plan.model}, ${model.numClasses} classes, ${plan.weights}`)
    }
    await predictFiles(model, files, { ...plan, classes }, options)
  } finally {
    engine.destroy()
  }
}

function loadModel(engine: Engine, { model, weights }: PredictionPlan, { weightsUrl }: PredictCommandOptions) {
  const display = new DownloadDisplay()
  const loading = createModel(engine, model, { weights, weightsUrl, onDownload: display.update })
  return loading.finally(() => display.stop())
}

/** Reads, predicts and prints as many images at a time as the model sees at once. */
async function predictFiles(
  model: Classifier,
  files: readonly string[],
  { image, transform, classes }: PredictionPlan,
  { json = false, batchSize, top, applyExifOrientation }: PredictCommandOptions,
): Promise<void> {
  const count = new CountDisplay(files.length, 'images')
  try {
    for (let begin = 0; begin < files.length; begin += batchSize) {
      if (files.length > batchSize) count.update(begin)
      const read = await readAll(files.slice(begin, begin + batchSize), { ...image, applyExifOrientation }, count)
      const images = read.map((each) => each.image)
      const predictions = await predict(model, images, { transform, classes, topK: top })
      count.clear()
      predictions.forEach((prediction, i) => {
        print(read[i]!.file, prediction, json)
      })
    }
  } finally {
    count.clear()
  }
}

/** Reads what can be read, and says what cannot. */
async function readAll(files: readonly string[], options: ReadImageOptions, count: CountDisplay): Promise<ReadFile[]> {
  const read: ReadFile[] = []
  for (const file of files) {
    try {
      read.push({ file, image: await readImage(file, options) })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      process.exitCode = 1
      count.clear()
      console.error(`daybreak: ${error.message}`)
    }
  }
  return read
}

/** The given names, ImageNet's for as many classes, or none. */
function classNames(named: readonly string[] | undefined, numClasses: number, file: string): typeof named {
  if (named === undefined) return numClasses === imagenetClasses.length ? imagenetClasses : undefined
  if (named.length === numClasses) return named
  throw new DataError(file, `${numClasses} names, one for each class of the model`, String(named.length))
}

function print(file: string, { top }: Prediction, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ image: file, predictions: top }))
    return
  }
  const width = Math.max(...top.map(({ index }) => String(index).length))
  console.log(`\n${file}`)
  for (const { index, name = '', probability } of top) {
    const line = `${percent(probability).padStart(8)}  ${String(index).padStart(width)}  ${name}`
    console.log(line.trimEnd())
  }
}
