/** Loss and accuracy that add up on the GPU. */
import { describe, expect, test } from 'vitest'
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.js'
import { MetricsAccumulator } from '../../src/training/metrics.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const lesser = useEngine({ requiredLimits: { maxComputeInvocationsPerWorkgroup: 64, maxComputeWorkgroupSizeX: 64 } })

/** Logits whose first maximum of row i is at `predictions[i]`. */
function logitsFor(predictions: readonly number[], classes: number): Float32Array<ArrayBuffer> {
  const logits = testValues(predictions.length * classes, 7)
  for (const [row, prediction] of predictions.entries()) logits[row * classes + prediction] = 2
  return logits
}

describe('metrics', () => {
  test.each([
    [1, 1],
    [3, 2],
    [64, 10],
    [129, 10],
    [300, 1000],
  ])('%i rows of %i classes', async (rows, classes) => {
    const targets = Int32Array.from({ length: rows }, (_, row) => (row * 7) % classes)
    // every third row is predicted as its neighbour class, which is right only where there is one class
    const predictions = [...targets].map((label, row) => (row % 3 === 0 ? (label + 1) % classes : label))
    const correct = predictions.filter((prediction, row) => prediction === targets[row]).length
    for (const { engine } of [holder, lesser]) {
      const metrics = new MetricsAccumulator(engine, 2)
      const logits = engine.tensor(logitsFor(predictions, classes), [rows, classes])
      for (const loss of [0.75, 1.25]) metrics.add(logits, engine.tensor(targets), engine.full([], loss))
      expect(await metrics.read()).toEqual({
        images: 2 * rows,
        correct: 2 * correct,
        loss: 1,
        accuracy: correct / rows,
        losses: Float32Array.of(0.75, 1.25),
        firstNonFiniteStep: undefined,
      })
    }
  })

  test.each([
    [1, 1],
    [64, 10],
    [300, 1000],
  ])('with the cross-entropy of %i rows of %i classes in the same kernel', async (rows, classes) => {
    const targets = Int32Array.from({ length: rows }, (_, row) => (row % 5 === 4 ? -100 : (row * 7) % classes))
    const values = logitsFor(
      [...targets].map((label, row) => (row % 3 === 0 ? 0 : Math.max(label, 0))),
      classes,
    )
    for (const { engine } of [holder, lesser]) {
      const [apart, together] = [new MetricsAccumulator(engine, 1), new MetricsAccumulator(engine, 1)]
      const [one, other] = [0, 1].map(() => engine.tensor(values, [rows, classes], { requiresGrad: true }))
      const labels = engine.tensor(targets)
      const expected = crossEntropy(one!, labels, { labelSmoothing: 0.1 })
      apart.add(one!, labels, expected)
      const loss = together.crossEntropy(other!, labels, { labelSmoothing: 0.1 })
      // sums of at most 300 positive numbers in another order
      expectClose(await loss.toArray(), await expected.toArray(), 1e-6, 'loss')
      const [a, b] = [await apart.read(), await together.read()]
      expect({ ...b, loss: 0, losses: 0 }).toEqual({ ...a, loss: 0, losses: 0 })
      expect(b.losses[0]).toBe(await loss.item())
      for (const each of [expected, loss]) each.backward()
      expect(await other!.grad!.toArray()).toEqual(await one!.grad!.toArray())
    }
  })

  test('a cross-entropy of nothing is NaN, and is noted', async () => {
    const { engine } = holder
    const metrics = new MetricsAccumulator(engine, 1)
    const loss = metrics.crossEntropy(engine.ones([2, 3]), engine.tensor(Int32Array.of(-100, -100)))
    expect(await loss.item()).toBeNaN()
    expect(await metrics.read()).toMatchObject({ correct: 0, images: 2, firstNonFiniteStep: 1 })
  })

  test('the first of equal logits is the prediction', async () => {
    const { engine } = holder
    const metrics = new MetricsAccumulator(engine, 1)
    const logits = engine.tensor([1, 1, 0, -1, 5, 5], [2, 3])
    metrics.add(logits, engine.tensor(Int32Array.of(0, 2)), engine.full([], 1))
    expect(await metrics.read()).toMatchObject({ images: 2, correct: 1 })
  })

  test.each([NaN, Infinity, -Infinity])('notes the first step whose loss is %d', async (loss) => {
    const { engine } = holder
    const metrics = new MetricsAccumulator(engine, 4)
    const logits = engine.tensor([1, 0], [1, 2])
    const target = engine.tensor(Int32Array.of(0))
    for (const value of [1, loss, 1, loss]) metrics.add(logits, target, engine.tensor([value], []))
    const reading = await metrics.read()
    expect(reading.firstNonFiniteStep).toBe(2)
    expect(reading.losses).toEqual(Float32Array.of(1, loss, 1, loss))
  })

  test('nothing was added', async () => {
    expect(await new MetricsAccumulator(holder.engine, 3).read()).toMatchObject({ images: 0, loss: 0, accuracy: 0 })
  })
})
