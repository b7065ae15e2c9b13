/** `daybreak evaluate`: measures a checkpoint on the test images of a data set. */
import { datasetLoader } from '../data/index.js'
import { fromDescription } from '../data/transforms.js'
import { OptionError } from '../device/errors.js'
import { createModel } from '../models/index.js'
import { checkpointFiles, evaluate, readCheckpointDescription } from '../training/index.js'
import { type EngineCommandOptions, openEngine } from './engine.js'
import { percent, ProgressDisplay } from './progress.js'
import { describeAdapter } from './recipe.js'

export interface EvaluateCommandOptions extends EngineCommandOptions {
  dataset?: string
  data?: string
  batchSize: number
  limit?: number
  json?: boolean
}

export async function evaluateCommand(path: string, options: EvaluateCommandOptions): Promise<void> {
  const description = await readCheckpointDescription(path)
  const dataset = options.dataset ?? description.dataset
  if (description.model === undefined) throw new OptionError('checkpoint', 'one that names its model', path)
  if (dataset === undefined) throw new OptionError('--dataset', 'a data set, as the checkpoint names none', 'nothing')
  const transform = fromDescription(description.transform)
  const test = await datasetLoader(dataset)({ split: 'test', folder: options.data, limit: options.limit })
  const engine = await openEngine(options)
  try {
    const model = await createModel(engine, description.model, { weights: checkpointFiles(path).weights })
    const display = new ProgressDisplay()
    const start = performance.now()
    const { loss, accuracy, images, correct, seconds } = await evaluate(model, test, {
      transform,
      batchSize: options.batchSize,
      onReading: (reading, steps) => {
        const elapsed = (performance.now() - start) / 1000
        display.update({
          phase: 'validation',
          epoch: 1,
          epochs: 1,
          step: reading.losses.length,
          steps,
          loss: reading.loss,
          accuracy: reading.accuracy,
          imagesPerSecond: reading.images / elapsed,
          secondsLeft: ((steps - reading.losses.length) * elapsed) / Math.max(1, reading.losses.length),
        })
      },
    }).finally(() => display.stop())
    if (options.json) {
      const result = { checkpoint: path, model: description.model, dataset, images, correct, accuracy, loss, seconds }
      console.log(JSON.stringify({ ...result, adapter: engine.device.adapter.name }))
    } else {
      console.log(`adapter   ${describeAdapter(engine)}`)
      console.log(`${path}: ${description.model} on ${dataset}, ${images} test images`)
      console.log(`loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)} (${correct} of ${images})`)
    }
  } finally {
    engine.destroy()
  }
}
