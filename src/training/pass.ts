/**
 * One pass over batches, the loop that training and evaluation share: record a step, submit it, let at most two steps be
 * on their way, and report the metrics as often as somebody may want to look.
 */
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import type { Batch } from '../data/index.js'
import { MetricsAccumulator, type MetricsReading } from './metrics.js'

export interface PassOptions {
  readonly engine: Engine
  readonly batches: Iterable<Batch>
  readonly steps: number
  readonly imageShape: readonly [number, number, number]
  /** Records one step and returns logits [N, classes] and their mean loss. Runs inside a scope. */
  readonly step: (images: Tensor, labels: Tensor, measure: (logits: Tensor, loss: Tensor) => void) => void
  /** Called with the metrics so far, at most every 200 milliseconds; an error that it throws ends the pass. */
  readonly onReading?: (reading: MetricsReading) => void
  readonly signal?: AbortSignal
}

const stepsOnTheirWay = 2
const millisecondsBetweenReadings = 200

/** Runs the pass; it ends early when `signal` is aborted. Returns the metrics of the steps that ran. */
export async function runPass(options: PassOptions): Promise<MetricsReading> {
  const { engine, signal } = options
  const metrics = new MetricsAccumulator(engine, options.steps)
  const onTheirWay: Promise<void>[] = []
  const reader = new BackgroundReader(metrics, options.onReading)
  try {
    for (const batch of options.batches) {
      if (signal?.aborted) break
      recordStep(options, batch, metrics)
      await engine.device.flush()
      const done = engine.device.submittedWorkDone()
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
    metrics.release()
  }
}

function recordStep({ engine, imageShape, step }: PassOptions, batch: Batch, metrics: MetricsAccumulator): void {
  engine.scope(() => {
    const images = engine.tensor(batch.images, [batch.size, ...imageShape], { dtype: 'u8' })
    const labels = engine.tensor(batch.labels)
    step(images, labels, (logits, loss) => {
      metrics.add(logits, labels, loss)
    })
  })
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
