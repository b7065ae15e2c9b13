import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { TensorData } from '../../src/autograd/tensor.js'
import { BatchNorm2d, Conv2d, Linear } from '../../src/nn/index.js'
import {
  BasicBlock,
  Bottleneck,
  createModel,
  minivgg,
  modelNames,
  resnet18,
  resnet50,
  vgg11,
} from '../../src/models/index.js'
import { stateDictShape } from '../../src/nn/layout.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

/**
 * torchvision 0.14.1: the number of parameters, and the first 16 digits of the SHA-256 of all entries of `state_dict()`,
 * one a line, in their order: `layer1.0.conv1.weight [64, 64, 3, 3]`.
 */
const torchvision = {
  resnet18: [11_689_512, '66b04efc1dfd4b80'],
  resnet34: [21_797_672, '4aa3e2bbbdc5e2fd'],
  resnet50: [25_557_032, '614cd53ddf849669'],
  resnet101: [44_549_160, '593b3bde446ee903'],
  vgg11: [132_863_336, 'ddb4b3f56e9755a6'],
  vgg11_bn: [132_868_840, 'dc54d45fed4bc7b4'],
  vgg13: [133_047_848, '08687bab35dc8767'],
  vgg13_bn: [133_053_736, '057b00c1243905f9'],
  vgg16: [138_357_544, '8a41c838cadbc3e0'],
  vgg16_bn: [138_365_992, 'ae5d7d87f5e61a76'],
  vgg19: [143_667_240, '5319ee52249b66d1'],
  vgg19_bn: [143_678_248, '555ec1b35ce917df'],
} as const

describe("names, shapes and order are torchvision's", () => {
  test.each(Object.entries(torchvision))('%s', async (name, [parameters, digest]) => {
    const { engine } = holder
    // only names and shapes matter here, so the initial values need not be computed
    const model = await engine.device.withoutRunning(() => createModel(engine, name))
    expect(model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(parameters)
    const lines = [...model.namedState()].map(([key, entry]) => {
      const shape = entry.kind === 'counter' ? [] : stateDictShape(entry.tensor.shape, entry.layout)
      return `${key} [${shape.join(', ')}]`
    })
    expect(createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16)).toBe(digest)
    model.dispose()
    engine.device.trim()
  })

  test("every model is listed here, but MiniVGG, which is not torchvision's", () => {
    expect(modelNames).toEqual([...Object.keys(torchvision), 'minivgg'])
  })
})

test('MiniVGG', async () => {
  const model = await minivgg(holder.engine)
  expect([...model.namedParameters()].map(([name, { shape }]) => `${name} [${shape.join(', ')}]`)).toEqual([
    'features.0.weight [3, 3, 1, 16]',
    'features.0.bias [16]',
    'features.3.weight [3, 3, 16, 32]',
    'features.3.bias [32]',
    'features.6.weight [3, 3, 32, 64]',
    'features.6.bias [64]',
    'classifier.weight [10, 3136]',
    'classifier.bias [10]',
  ])
  expect(model.call(holder.engine.zeros([2, 28, 28, 1])).shape).toEqual([2, 10])
})

/** The standard deviation of values with mean 0. */
function deviationOf(values: TensorData): number {
  let sum = 0
  for (const value of values) sum += value ** 2
  return Math.sqrt(sum / values.length)
}

describe('initial values', () => {
  test('ResNet: Kaiming normal by fan out', async () => {
    const model = await resnet18(holder.engine)
    const block = model.layer2.at(0)
    assert(block instanceof BasicBlock && block.bn2 instanceof BatchNorm2d)
    const values = await block.conv1.weight.toArray()
    expect(deviationOf(values) / Math.sqrt(2 / (9 * 128))).toBeCloseTo(1, 1)
    expect((await block.bn2.weight.toArray())[0]).toBe(1)
  })

  test('ResNet with zeroInitResidual: blocks begin as the identity', async () => {
    const model = await resnet50(holder.engine, { zeroInitResidual: true, numClasses: 2 })
    const block = model.layer1.at(1)
    assert(block instanceof Bottleneck && block.bn2 instanceof BatchNorm2d && block.bn3 instanceof BatchNorm2d)
    expect(new Set(await block.bn3.weight.toArray())).toEqual(new Set([0]))
    expect(new Set(await block.bn2.weight.toArray())).toEqual(new Set([1]))
  })

  test('VGG: Kaiming normal by fan out, linear layers normal with 0.01, biases zero', async () => {
    const { engine } = holder
    const model = await vgg11(engine, { numClasses: 10 })
    const conv = model.features.at(3)
    const linear = model.classifier.at(6)
    assert(conv instanceof Conv2d && linear instanceof Linear)
    expect(deviationOf(await conv.weight.toArray()) / Math.sqrt(2 / (9 * 128))).toBeCloseTo(1, 1)
    expect(deviationOf(await linear.weight.toArray()) / 0.01).toBeCloseTo(1, 1)
    expect(new Set([...(await conv.bias!.toArray()), ...(await linear.bias!.toArray())])).toEqual(new Set([0]))
    model.dispose()
    engine.device.trim()
  })
})

test('freezing until layer4 leaves layer4 and fc', async () => {
  const model = (await resnet18(holder.engine, { numClasses: 10 })).freeze({ until: 'layer4' })
  const trainable = [...model.namedParameters()].filter(([, { requiresGrad }]) => requiresGrad).map(([name]) => name)
  expect(trainable.every((name) => name.startsWith('layer4.') || name.startsWith('fc.'))).toBe(true)
  expect(trainable).toHaveLength(17)
  expect(() => model.freeze({ until: 'layer5' })).toThrow(
    'until: expected one of conv1, bn1, relu, maxpool, layer1, layer2, layer3, layer4, avgpool, fc, got "layer5"',
  )
})
