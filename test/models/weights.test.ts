import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OptionError, WeightsError } from '../../src/device/errors.js'
import { createModel, inputChannelsOf, minivgg } from '../../src/models/index.js'
import type { Module } from '../../src/nn/index.js'
import { readStateDict, writeStateDict } from '../../src/weights/index.js'
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

/** The file without the tensors whose names begin so. */
async function savedWithout(name: string, prefix: string): Promise<string> {
  const { stateDict } = await readStateDict(file)
  const rest = new Map([...stateDict].filter(([tensor]) => !tensor.startsWith(prefix)))
  await writeStateDict(path.join(folder, name), rest)
  return path.join(folder, name)
}

const values = async (model: Module, name: string) => (await model.stateDict()).get(name)!.data as Float32Array

describe('weights from a file', () => {
  test('decide the number of classes, if nobody asks for another', async () => {
    const first = await minivgg(holder.engine, { weights: file })
    const second = await minivgg(holder.engine, { weights: file, numClasses: 7 })
    expect(first.numClasses).toBe(7)
    const loaded = [...(await first.stateDict()).keys()]
    expect(first.loadReport).toEqual({
      source: file,
      numClasses: 7,
      fresh: [],
      loaded: expect.toSatisfy((names: string[]) => loaded.every((name) => names.includes(name))) as unknown,
      missing: [],
      unexpected: [],
      reshaped: [],
      metadata: {},
    })
    expect(await first.stateDict()).toEqual(await second.stateDict())
  })

  test('fill the backbone under a new head for another number of classes, and say so', async () => {
    const same = await minivgg(holder.engine, { weights: file })
    const other = await minivgg(holder.engine, { weights: file, numClasses: 3 })
    expect(other.numClasses).toBe(3)
    expect(other.loadReport).toMatchObject({
      loaded: expect.not.arrayContaining(['classifier.weight']) as unknown,
      missing: [],
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
      'minivgg.safetensors: tensor "fc.weight": expected the weight [classes, features] of the last layer, or `numClasses` for a new one, found no such tensor',
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

  test('without a head need a number of classes', async () => {
    const headless = await savedWithout('headless.safetensors', 'classifier.')
    const model = await minivgg(holder.engine, { weights: headless, numClasses: 4 })
    const fresh = ['classifier.weight', 'classifier.bias']
    expect(model.loadReport).toMatchObject({ numClasses: undefined, fresh, missing: [] })
    expect(new Set(await values(model, 'classifier.weight')).size).toBeGreaterThan(100)
    await expect(minivgg(holder.engine, { weights: headless })).rejects.toThrow(
      'headless.safetensors: tensor "classifier.weight": expected the weight [classes, features] of the last layer, or `numClasses`',
    )
  })

  test('begin as new ones do where they are missing and may be', async () => {
    const incomplete = await savedWithout('incomplete.safetensors', 'features.3.')
    for (const options of [{ allowMissing: ['features.3.'] }, { strict: false }]) {
      const model = await minivgg(holder.engine, { weights: incomplete, ...options })
      expect(model.loadReport?.missing).toEqual(['features.3.weight', 'features.3.bias'])
      const weight = await values(model, 'features.3.weight')
      const bound = 1 / Math.sqrt(16 * 9)
      expect(Math.max(...weight.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound))
      expect(new Set(weight).size).toBeGreaterThan(4000)
    }
    await expect(minivgg(holder.engine, { weights: incomplete })).rejects.toThrow('2 missing: "features.3.weight"')
  })

  test('under other names are renamed, the head too', async () => {
    const { stateDict } = await readStateDict(file)
    const other = path.join(folder, 'renamed.safetensors')
    const odd = [...stateDict].map(([name, array]) => [`net.${name.replace('classifier', 'head')}`, array] as const)
    await writeStateDict(other, new Map(odd))
    const rename = { 'net.': '', 'net.head.': 'classifier.' }
    const model = await minivgg(holder.engine, { weights: other, rename })
    expect(model.numClasses).toBe(7)
    expect(await model.stateDict()).toEqual(await (await minivgg(holder.engine, { weights: file })).stateDict())
  })

  test('come with what their file tells about itself', async () => {
    const told = path.join(folder, 'told.safetensors')
    await writeStateDict(told, (await readStateDict(file)).stateDict, { image_mean: '[0.5]' })
    expect((await minivgg(holder.engine, { weights: told })).loadReport?.metadata).toEqual({ image_mean: '[0.5]' })
  })

  test('can be loaded into a model that there is already', async () => {
    const model = await minivgg(holder.engine, { numClasses: 3 })
    const { stateDict } = await readStateDict(file)
    const report = await model.loadWeights(stateDict, { source: 'mine' })
    expect(report).toMatchObject({ source: 'mine', numClasses: 7, fresh: ['classifier.weight', 'classifier.bias'] })
    expect(model.loadReport).toBe(report)
    expect(await values(model, 'features.0.weight')).toEqual(stateDict.get('features.0.weight')!.data)
    expect(model.numClasses).toBe(3)
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
