import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OptionError, WeightsError } from '../../src/device/errors.js'
import { createModel, inputChannelsOf, minivgg } from '../../src/models/index.js'
import type { Module } from '../../src/nn/index.js'
import { writeStateDict } from '../../src/weights/index.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-'))
  file = path.join(folder, 'minivgg.safetensors')
  holder.engine.manualSeed(5)
  await writeStateDict(file, await (await minivgg(holder.engine, { numClasses: 7 })).stateDict())
})
afterAll(() => rm(folder, { recursive: true }))

const values = async (model: Module, name: string) => (await model.stateDict()).get(name)!.data as Float32Array

describe('weights from a file', () => {
  test('decide the number of classes, if nobody asks for another', async () => {
    const first = await minivgg(holder.engine, { weights: file })
    const second = await minivgg(holder.engine, { weights: file, numClasses: 7 })
    expect(first.numClasses).toBe(7)
    expect(first.loadReport).toEqual({ source: file, numClasses: 7, fresh: [] })
    expect(await first.stateDict()).toEqual(await second.stateDict())
  })

  test('fill the backbone under a new head for another number of classes, and say so', async () => {
    const same = await minivgg(holder.engine, { weights: file })
    const other = await minivgg(holder.engine, { weights: file, numClasses: 3 })
    expect(other.numClasses).toBe(3)
    expect(other.loadReport).toEqual({
      source: file,
      numClasses: 7,
      fresh: ['classifier.weight', 'classifier.bias'],
    })
    expect(await values(other, 'features.6.weight')).toEqual(await values(same, 'features.6.weight'))
    expect(new Set(await values(other, 'classifier.weight')).size).toBeGreaterThan(100)
    expect(other.classifier.weight.requiresGrad).toBe(true)
  })

  test('of another model are refused', async () => {
    const { inUse } = holder.engine.memory()
    const failure = createModel(holder.engine, 'resnet18', { weights: file })
    await expect(failure).rejects.toThrow(WeightsError)
    await expect(failure).rejects.toThrow(
      'minivgg.safetensors: tensor "fc.weight": expected the weight [classes, features] of the last layer, found no such tensor',
    )
    expect(holder.engine.memory().inUse).toBe(inUse)
  })

  test('with a missing tensor are refused, and the memory of the model is returned', async () => {
    const stateDict = await (await minivgg(holder.engine)).stateDict()
    stateDict.delete('features.3.bias')
    const incomplete = path.join(folder, 'incomplete.safetensors')
    await writeStateDict(incomplete, stateDict)
    const { inUse } = holder.engine.memory()
    await expect(minivgg(holder.engine, { weights: incomplete, numClasses: 5 })).rejects.toThrow(
      'incomplete.safetensors: tensor "features.3.bias": expected exactly the tensors of minivgg, found 1 missing',
    )
    expect(holder.engine.memory().inUse).toBeLessThanOrEqual(inUse)
  })

  test('that do not exist are refused', async () => {
    await expect(minivgg(holder.engine, { weights: path.join(folder, 'none.safetensors') })).rejects.toThrow(
      WeightsError,
    )
  })
})

test("replaceHead() puts a new head in and returns the old one's memory", async () => {
  const { engine } = holder
  const model = (await createModel(engine, 'minivgg')).freeze()
  const old = model.namedParameters().get('classifier.weight')!
  expect(model.eval().replaceHead(4)).toBe(model)
  expect(model.numClasses).toBe(4)
  expect(() => old.buffer).toThrow('dispose()')
  expect(model.trainableParameters().map(({ shape }) => shape)).toEqual([[4, 3136], [4]])
  expect([...model.namedModules().values()].some(({ training }) => training)).toBe(false)
  expect(model.call(engine.zeros([1, 28, 28, 1])).shape).toEqual([1, 4])
  expect(() => model.replaceHead(0)).toThrow('numClasses: expected a positive integer, got 0')
  expect(model.numClasses).toBe(4)
})

describe('createModel', () => {
  test('an unknown name lists the known ones', async () => {
    const failure = createModel(holder.engine, 'resnet51')
    await expect(failure).rejects.toThrow(OptionError)
    await expect(failure).rejects.toThrow('model: expected one of resnet18, resnet34, resnet50, ')
    expect(() => inputChannelsOf('lenet')).toThrow(OptionError)
    await expect(createModel(holder.engine, 'constructor')).rejects.toThrow(OptionError)
  })

  test('a wrong number of classes', async () => {
    await expect(createModel(holder.engine, 'minivgg', { numClasses: 2.5 })).rejects.toThrow(OptionError)
  })

  test('channels of the images', () => {
    expect(['minivgg', 'resnet50', 'vgg16_bn'].map(inputChannelsOf)).toEqual([1, 3, 3])
  })
})
