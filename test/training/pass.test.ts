/** The loop of training and evaluation: nothing that fails on the way is lost, however late it comes. */
import { describe, expect, test } from 'vitest'
import { batches } from '../../src/data/index.js'
import { KernelError, OutOfMemoryError } from '../../src/device/errors.js'
import { mean } from '../../src/autograd/ops/index.js'
import { MetricsAccumulator, type MetricsReading } from '../../src/training/metrics.js'
import { runPass } from '../../src/training/pass.js'
import { cornerDataset } from '../support/digits.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const data = cornerDataset(32)

/** Runs eight steps with a loss of `lossOf(step)`; `duringStep` is called with the number of each, from 1. */
function pass(
  duringStep: (step: number) => void,
  onReading?: (reading: MetricsReading) => void,
  signal?: AbortSignal,
  onFirstStep?: (seconds: number) => void,
) {
  const { engine } = holder
  const metrics = new MetricsAccumulator(engine, 8)
  let steps = 0
  return runPass({
    engine,
    metrics,
    signal,
    batches: batches(data, { batchSize: 4 }),
    onReading,
    onFirstStep,
    step: ({ labels, size }) => {
      engine.scope(() => {
        const logits = engine.full([size, 4], ++steps)
        duringStep(steps)
        metrics.add(logits, engine.tensor(labels), mean(logits))
      })
    },
  }).finally(() => {
    metrics.release()
  })
}

describe('a pass', () => {
  test('reports every step', async () => {
    const readings: number[] = []
    const result = await pass(
      () => undefined,
      ({ losses }) => readings.push(losses.length),
    )
    expect([...result.losses]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(result).toMatchObject({ images: 32, loss: 4.5, firstNonFiniteStep: undefined })
    expect(readings.at(-1)).toBe(8)
  })

  test('tells once how long the first step took', async () => {
    const seconds: number[] = []
    await pass(
      () => undefined,
      undefined,
      undefined,
      (time) => seconds.push(time),
    )
    expect(seconds).toHaveLength(1)
    expect(seconds[0]).toBeGreaterThan(0)
  })

  test('that is stopped before its first step has no metrics and no NaN', async () => {
    const result = await pass(() => undefined, undefined, AbortSignal.abort())
    expect(result).toMatchObject({ images: 0, loss: 0, accuracy: 0 })
    expect(result.losses).toHaveLength(0)
  })

  test.each([1, 4, 7, 8])('a command that the GPU refuses in step %s ends it with that error', async (bad) => {
    const { engine } = holder
    const { inUse } = engine.memory()
    const [a, b] = [engine.zeros([2]), engine.zeros([2])]
    const refused = (step: number) => {
      if (step === bad) engine.device.copy(a.buffer, 0, b.buffer, 0, 2) // copies go in multiples of four bytes
    }
    await expect(pass(refused)).rejects.toThrow(KernelError)
    await engine.idle() // reported once
    for (const tensor of [a, b]) tensor.handle.release('the test')
    expect(engine.memory().inUse).toBe(inUse)
  })

  test.each([
    ['a step', (step: number) => step === 5, undefined],
    ['a reading', () => false, () => true],
  ])('an error in %s ends it, and its memory comes back', async (_name, inStep, inReading) => {
    const { engine } = holder
    const { inUse } = engine.memory()
    const fail = (when: boolean | undefined) => {
      if (when) throw new OutOfMemoryError(1, 2, 3)
    }
    const run = pass(
      (step) => fail(inStep(step)),
      () => fail(inReading?.()),
    )
    await expect(run).rejects.toThrow(OutOfMemoryError)
    expect(engine.memory().inUse).toBe(inUse)
  })
})
