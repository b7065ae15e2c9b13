/** What layers add to their operations: options, shapes, initial values, modes. The operations have tests of their own. */
import { describe, expect, test } from 'vitest'
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  Flatten,
  Identity,
  Linear,
  MaxPool2d,
  type Module,
  ReLU,
} from '../../src/nn/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

const image = (...shape: number[]) =>
  holder.engine.tensor(testValues(shape.reduce((product, length) => product * length, 1)), shape)
const shapeAfter = (module: Module, ...shape: number[]) => module.call(image(...shape)).shape

test('output shapes', () => {
  const { engine } = holder
  expect(shapeAfter(new Conv2d(engine, 4, 6, 3), 2, 9, 8, 4)).toEqual([2, 7, 6, 6])
  const options = { stride: [2, 1], padding: 1, dilation: [1, 2], groups: 2 } as const
  expect(shapeAfter(new Conv2d(engine, 4, 6, [3, 2], options), 2, 9, 8, 4)).toEqual([2, 5, 8, 6])
  expect(shapeAfter(new Linear(engine, 5, 3), 2, 5)).toEqual([2, 3])
  expect(shapeAfter(new BatchNorm2d(engine, 3), 2, 4, 4, 3)).toEqual([2, 4, 4, 3])
  expect(shapeAfter(new MaxPool2d(engine, 2), 2, 5, 4, 3)).toEqual([2, 2, 2, 3])
  expect(shapeAfter(new MaxPool2d(engine, 3, { stride: 2, padding: 1, ceilMode: true }), 2, 6, 5, 3)).toEqual([
    2, 4, 3, 3,
  ])
  expect(shapeAfter(new AvgPool2d(engine, [2, 1], { countIncludePad: false }), 2, 4, 4, 3)).toEqual([2, 2, 4, 3])
  expect(shapeAfter(new AdaptiveAvgPool2d(engine, [7, 3]), 2, 4, 4, 3)).toEqual([2, 7, 3, 3])
  expect(shapeAfter(new Flatten(engine), 2, 4, 3, 3)).toEqual([2, 36])
  expect(shapeAfter(new ReLU(engine), 2, 3)).toEqual([2, 3])
})

test('initial values of convolutions and linear layers are uniform in 1/sqrt(fan in)', async () => {
  const { engine } = holder
  const conv = new Conv2d(engine, 16, 100, 3, { groups: 2 })
  const linear = new Linear(engine, 72, 100)
  for (const parameter of [conv.weight, conv.bias!, linear.weight, linear.bias!]) {
    const largest = Math.max(...(await parameter.toArray()).map(Math.abs))
    expect(largest).toBeLessThanOrEqual(1.000001 / Math.sqrt(72))
    expect(largest).toBeGreaterThan(0.9 / Math.sqrt(72))
  }
})

test('layers without bias', () => {
  const { engine } = holder
  expect([...new Conv2d(engine, 1, 1, 1, { bias: false }).namedParameters().keys()]).toEqual(['weight'])
  expect([...new Linear(engine, 1, 1, { bias: false }).namedParameters().keys()]).toEqual(['weight'])
})

describe('BatchNorm2d', () => {
  test('normalises by the batch in training and by the running statistics in evaluation', async () => {
    const { engine } = holder
    const layer = new BatchNorm2d(engine, 1, { eps: 0, momentum: 0.5 })
    const batch = engine.tensor([1, 3], [2, 1, 1, 1]) // mean 2, variance 1, unbiased 2
    expect([...(await layer.call(batch).toArray())]).toEqual([-1, 1])
    expect([...(await layer.runningMean.toArray())]).toEqual([1])
    expect([...(await layer.runningVar.toArray())]).toEqual([1.5])
    const [low, high] = await layer.eval().call(batch).toArray()
    expect(low).toBeCloseTo(0, 6)
    expect(high).toBeCloseTo(2 / Math.sqrt(1.5), 5)
    expect(layer.numBatchesTracked).toBe(1)
  })

  test('momentum null is the plain average of all batches', async () => {
    const { engine } = holder
    const layer = new BatchNorm2d(engine, 1, { momentum: null })
    for (const [a, b] of [
      [0, 2],
      [4, 8],
      [9, 13],
    ] as const)
      layer.call(engine.tensor([a, b], [2, 1, 1, 1]))
    expect((await layer.runningMean.toArray())[0]).toBeCloseTo((1 + 6 + 11) / 3, 5)
  })
})

test('Dropout and Identity pass their input on in evaluation', async () => {
  const { engine } = holder
  const input = engine.ones([1000])
  expect(await new Dropout(engine).eval().call(input).toArray()).toEqual(await input.toArray())
  expect(new Identity(engine).call(input)).toBe(input)
  const dropped = await new Dropout(engine, { p: 0.25 }).call(input).toArray()
  const zeros = dropped.filter((value) => value === 0).length
  expect(zeros).toBeGreaterThan(150)
  expect(zeros).toBeLessThan(350)
})

test('CrossEntropyLoss passes its options on', async () => {
  const { engine } = holder
  const logits = image(3, 4)
  const labels = engine.tensor(Int32Array.of(0, 3, 1))
  const options = { labelSmoothing: 0.1, reduction: 'sum' } as const
  const loss = new CrossEntropyLoss(options).call(logits, labels)
  expect(await loss.item()).toBe(await crossEntropy(logits, labels, options).item())
})

test('wrong options', () => {
  const { engine } = holder
  expect(() => new Conv2d(engine, 0, 1, 1)).toThrow(OptionError)
  expect(() => new Conv2d(engine, 3, 4, 1, { groups: 2 })).toThrow('a divisor of 3 and 4 channels')
  expect(() => new Conv2d(engine, 1, 1, 0)).toThrow('Conv2d: kernelSize')
  expect(() => new Linear(engine, 1.5, 1)).toThrow(OptionError)
  expect(() => new BatchNorm2d(engine, -1)).toThrow(OptionError)
  expect(() => new Dropout(engine, { p: 1.5 })).toThrow('Dropout: p: expected a probability from 0 to 1, got 1.5')
  expect(() => new Linear(engine, 5, 3).call(image(2, 4))).toThrow(ShapeError)
  expect(() => new Conv2d(engine, 3, 4, 1).call(image(1, 2, 2, 4))).toThrow(ShapeError)
})
