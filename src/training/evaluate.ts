/** Evaluation: loss and accuracy of a model on a data set, without gradients and in evaluation mode. */
import { batchCount, batches, type ImageDataset } from '../data/index.js'
import type { Transform } from '../data/transforms.js'
import type { Module } from '../nn/module.js'
import type { TuningProblem } from '../tuning/tunable.js'
import { type Metrics, MetricsAccumulator, type MetricsReading } from './metrics.js'
import { inputsOf, runPass } from './pass.js'
import { PlannedStep } from './planned-step.js'
import { callIn, checkPrecision, type Precision } from './precision.js'
import { problemsOf, tuneIfAsked } from './tune.js'

export interface EvaluateOptions {
  /** What turns bytes [N, H, W, C] into the model's input. */
  readonly transform: Transform
  /** 128 by default; a smaller data set is one batch. */
  readonly batchSize?: number
  /** Of the activations; f32 by default. Logits and loss are f32 in any case. */
  readonly precision?: Precision
  readonly onReading?: (reading: MetricsReading, steps: number) => void
  readonly signal?: AbortSignal
  /** Whether the step is recorded once and replayed; true by default. See docs/plan.md. */
  readonly plan?: boolean
}

export interface Evaluation extends Metrics {
  readonly images: number
  readonly correct: number
  readonly seconds: number
}

/**
 * The mean cross-entropy and the accuracy over all images. The model's training mode is put back afterwards. An engine with
 * `tune: 'full'` measures first what it needs.
 */
export async function evaluate(model: Module, dataset: ImageDataset, options: EvaluateOptions): Promise<Evaluation> {
  checkPrecision(model.engine, options.precision ?? 'f32')
  await tuneIfAsked(model, () => problemsOfEvaluation(model, dataset, options), { signal: options.signal })
  return evaluateTuned(model, dataset, options)
}

/** What an evaluation asks of the tuner. */
export function problemsOfEvaluation(
  model: Module,
  dataset: ImageDataset,
  { transform, batchSize, precision = 'f32' }: Pick<EvaluateOptions, 'transform' | 'batchSize' | 'precision'>,
): readonly TuningProblem[] {
  const { engine } = model
  return problemsOf(model, () => {
    model.eval()
    const shape = [batchSizeFor(dataset, batchSize), ...dataset.imageShape]
    engine.noGrad(() => callIn(precision, model, transform.apply(engine.empty(shape, 'u8'))))
  })
}

function batchSizeFor({ length }: ImageDataset, batchSize = 128): number {
  return Math.min(batchSize, length)
}

/** As `evaluate`, in the middle of a run, which measures nothing. */
export async function evaluateTuned(
  model: Module,
  dataset: ImageDataset,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { transform, precision = 'f32', signal, onReading } = options
  const { engine } = model
  const batchSize = batchSizeFor(dataset, options.batchSize)
  const steps = batchCount(dataset.length, batchSize)
  const wasTraining = model.training
  const start = performance.now()
  model.eval()
  const metrics = new MetricsAccumulator(engine, steps)
  const step = new PlannedStep({
    model,
    plan: options.plan,
    step: (bytes, labels) => {
      engine.noGrad(() => {
        const logits = callIn(precision, model, transform.apply(bytes))
        metrics.crossEntropy(logits, labels)
      })
    },
  })
  try {
    const { images, correct, loss, accuracy } = await runPass({
      engine,
      metrics,
      signal,
      batches: batches(dataset, { batchSize }),
      onReading: onReading && ((reading) => onReading(reading, steps)),
      step: (batch) => {
        step.run(...inputsOf(batch, dataset.imageShape))
      },
    })
    return { images, correct, loss, accuracy, seconds: (performance.now() - start) / 1000 }
  } finally {
    step.release()
    metrics.release()
    model.train(wasTraining)
  }
}
