import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { minivgg, resnet18 } from '../../src/models/index.js'
import { BatchNorm2d, Linear, summary } from '../../src/nn/index.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

const miniVGG = `----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1           [-1, 16, 28, 28]             160
              ReLU-2           [-1, 16, 28, 28]               0
         MaxPool2d-3           [-1, 16, 14, 14]               0
            Conv2d-4           [-1, 32, 14, 14]           4,640
              ReLU-5           [-1, 32, 14, 14]               0
         MaxPool2d-6             [-1, 32, 7, 7]               0
            Conv2d-7             [-1, 64, 7, 7]          18,496
              ReLU-8             [-1, 64, 7, 7]               0
         MaxPool2d-9             [-1, 64, 3, 3]               0
AdaptiveAvgPool2d-10             [-1, 64, 7, 7]               0
           Linear-11                   [-1, 10]          31,370
================================================================
Total params: 54,666
Trainable params: 54,666
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.00
Forward/backward pass size (MB): 0.40
Params size (MB): 0.21
Estimated Total Size (MB): 0.61
----------------------------------------------------------------`

describe("the table equals torchsummary's", () => {
  test('MiniVGG', async () => {
    expect(summary(await minivgg(holder.engine), [1, 28, 28, 1])).toBe(miniVGG)
  })

  test('ResNet-18 with a frozen beginning', async () => {
    const model = (await resnet18(holder.engine)).freeze({ until: 'layer2' })
    const expected = readFileSync(new URL('./summary-resnet18.txt', import.meta.url), 'utf8').trimEnd()
    expect(summary(model, [1, 32, 32, 3])).toBe(expected)
  })
})

test('shapes as Daybreak has them, on request', async () => {
  const lines = summary(await minivgg(holder.engine), [8, 28, 28, 1], { layout: 'NHWC' }).split('\n')
  expect(lines[5]).toBe('         MaxPool2d-3           [-1, 14, 14, 16]               0')
  expect(lines.at(-5)).toBe('Input size (MB): 0.00')
})

test('a single layer', () => {
  expect(summary(new Linear(holder.engine, 5, 3), [1, 5])).toContain(
    'Linear-1                    [-1, 3]              18',
  )
})

test('nothing runs and nothing changes', async () => {
  const { engine } = holder
  const layer = new BatchNorm2d(engine, 3)
  const { inUse } = engine.memory()
  const random = engine.random.state
  let calls = 0
  layer.onForward(() => calls++)
  summary(layer, [1, 4, 4, 3])
  expect(layer.training).toBe(true)
  expect(layer.numBatchesTracked).toBe(0)
  expect(await layer.runningMean.toArray()).toEqual(new Float32Array(3))
  // Not equal: the models of the tests above may be collected meanwhile.
  expect(engine.memory().inUse).toBeLessThanOrEqual(inUse)
  expect(engine.random.state).toEqual(random)
  expect(calls).toBe(1)
})

test('an input that does not fit', async () => {
  const model = await minivgg(holder.engine)
  expect(() => summary(model, [1, 28, 28, 3])).toThrow('conv2d')
  expect(() => summary(model, [1, 0, 28, 1])).toThrow('summary: expected positive integers')
})
