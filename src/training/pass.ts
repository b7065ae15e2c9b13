/**
 * One pass over batches, the loop that training and evaluation share: record a step, submit it, let at most two steps be
 * on their way, and report the metrics as often as somebody may want to look.
 */
import type { Engine } from '../autograd/engine.js'
import type { TensorData } from '../autograd/tensor.js'
import type { Batch, ImageDataset } from '../data/index.js'
import type { MetricsAccumulator, MetricsReading } from './metrics.js'
import type { StepInput } from './planned-step.js'

export interface PassOptions {
  readonly engine: Engine
  readonly batches: Iterable<Batch>
  /** Runs one step, which adds to the metrics. */
  readonly step: (batch: Batch) => void
  /** They begin at zero. */
  readonly metrics: MetricsAccumulator
  /** Called with the seconds from the beginning of the first step to the end of its work on the GPU. */
  readonly onFirstStep?: ((seconds: number) => void) | undefined
  /** Called with the metrics so far, at most every 200 milliseconds; an error that it throws ends the pass. */
  readonly onReading?: (reading: MetricsReading) => void
  readonly signal?: AbortSignal
}

const stepsOnTheirWay = 2
const millisecondsBetweenReadings = 200

/** Runs the pass; it ends early when `signal` is aborted. Returns the metrics of the steps that ran. */
export async function runPass(options: PassOptions): Promise<MetricsReading> {
  const { engine, signal, metrics, step } = options
  let onFirstStep = options.onFirstStep
  const onTheirWay: Promise<void>[] = []
  const reader = new BackgroundReader(metrics, options.onReading)
  try {
    for (const batch of options.batches) {
      if (signal?.aborted) break
      const start = performance.now()
      step(batch)
      await engine.device.flush()
      const report = onFirstStep
      onFirstStep = undefined
      const done = engine.device.submittedWorkDone().then(() => report?.((performance.now() - start) / 1000))
      done.catch(() => undefined) // it may fail while the loop waits for something else; it is awaited below
      onTheirWay.push(done)
      if (onTheirWay.length > stepsOnTheirWay) await onTheirWay.shift()
      reader.poll()
    }
    await Promise.all(onTheirWay)
    await reader.settle()
    const reading = await metrics.read()
    options.onReading?.(reading)
    return reading
  } finally {
    await Promise.allSettled([...onTheirWay, reader.settle()])
  }
}

/** A batch as the inputs of a step: images u8 [N, H, W, C] and labels i32 [N]. */
export function inputsOf({ images, labels, size }: Batch, imageShape: ImageDataset['imageShape']): StepInput[] {
  return [
    { values: images as TensorData, shape: [size, ...imageShape], dtype: 'u8' },
    { values: labels as TensorData, shape: [size], dtype: 'i32' },
  ]
}

/** Reads metrics while the pass goes on; a failed reading is thrown by the next call. */
class BackgroundReader {
  #reading: Promise<void> | undefined
  #failure: Error | undefined
  #last = performance.now()

  constructor(
    private readonly metrics: MetricsAccumulator,
    private readonly onReading: ((reading: MetricsReading) => void) | undefined,
  ) {}

  poll(): void {
    if (this.#failure) throw this.#failure
    if (this.#reading || performance.now() - this.#last < millisecondsBetweenReadings) return
    this.#reading = this.metrics
      .read()
      .then((reading) => this.onReading?.(reading))
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error))
      })
      .finally(() => {
        this.#reading = undefined
        this.#last = performance.now()
      })
  }

  async settle(): Promise<void> {
    await this.#reading
    if (this.#failure) throw this.#failure
  }
}
