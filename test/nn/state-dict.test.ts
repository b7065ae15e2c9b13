import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { WeightsError } from '../../src/device/errors.js'
import { fromStateDict, stateDictShape, toStateDict } from '../../src/nn/layout.js'
import { BatchNorm2d, Conv2d, Linear, type NamedArray, Sequential, type StateDict } from '../../src/nn/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

const build = (engine: Engine) =>
  new Sequential(engine, {
    conv: new Conv2d(engine, 4, 6, [3, 2], { groups: 2 }),
    bn: new BatchNorm2d(engine, 6),
    fc: new Linear(engine, 5, 3),
  })

/** Different values for every tensor. */
function values(shapes: Record<string, number[]>): StateDict {
  return new Map(
    Object.entries(shapes).map(([name, shape], i): [string, NamedArray] => {
      const size = shape.reduce((product, length) => product * length, 1)
      return [name, { shape, dtype: 'float32', data: testValues(size, i + 1) }]
    }),
  )
}

const complete = () =>
  values({
    'conv.weight': [6, 2, 3, 2],
    'conv.bias': [6],
    'bn.weight': [6],
    'bn.bias': [6],
    'bn.running_mean': [6],
    'bn.running_var': [6],
    'fc.weight': [3, 5],
    'fc.bias': [3],
  }).set('bn.num_batches_tracked', { shape: [], dtype: 'int64', data: BigInt64Array.of(7n) })

describe('layouts', () => {
  test('HWIO and OIHW', () => {
    const shape = [2, 3, 4, 5] // height, width, in, out
    const outer = stateDictShape(shape, 'HWIO')
    expect(outer).toEqual([5, 4, 2, 3])
    const inner = Float32Array.from({ length: 120 }, (_, i) => i)
    const converted = toStateDict(inner, shape, 'HWIO')
    const [h, w, i, o] = [1, 2, 3, 4]
    expect(converted[((o * 4 + i) * 2 + h) * 3 + w]).toBe(inner[((h * 3 + w) * 4 + i) * 5 + o])
    expect(fromStateDict(converted, shape, 'HWIO')).toEqual(inner)
    expect(new Set(converted).size).toBe(120)
  })

  test.each([1, 15, 16, 17, 32, 33])('both conversions go through %i output channels in strips', (output) => {
    const shape = [3, 2, 5, output]
    const inner = Float32Array.from({ length: 30 * output }, (_, i) => i)
    const converted = toStateDict(inner, shape, 'HWIO')
    for (let o = 0; o < output; o++) {
      for (let i = 0; i < 5; i++) {
        for (let k = 0; k < 6; k++) expect(converted[(o * 5 + i) * 6 + k]).toBe((k * 5 + i) * output + o)
      }
    }
    expect(fromStateDict(converted, shape, 'HWIO')).toEqual(inner)
    const scratch = new Float32Array(inner.length + 1).fill(-1)
    expect(fromStateDict(converted, shape, 'HWIO', scratch)).toEqual(inner)
    expect(scratch.at(-1)).toBe(-1)
  })

  test('plain', () => {
    const inner = Float32Array.of(1, 2)
    expect(toStateDict(inner, [2], 'plain')).toBe(inner)
    expect(stateDictShape([2], 'plain')).toEqual([2])
  })
})

test('a state dict goes in and comes out unchanged, in the order of PyTorch', async () => {
  const model = build(holder.engine)
  const loaded = [...complete().keys()]
  expect(model.loadStateDict(complete())).toEqual({ loaded, missing: [], unexpected: [], reshaped: [] })
  const out = await model.stateDict()
  expect([...out.keys()]).toEqual([
    'conv.weight',
    'conv.bias',
    'bn.weight',
    'bn.bias',
    'bn.running_mean',
    'bn.running_var',
    'bn.num_batches_tracked',
    'fc.weight',
    'fc.bias',
  ])
  for (const [name, array] of complete()) expect(out.get(name), name).toEqual(array)
})

test('loading writes into the tensors that the optimizer knows, and keeps what is frozen frozen', () => {
  const model = build(holder.engine).freeze({ until: 'fc' })
  const before = model.parameters()
  model.loadStateDict(complete())
  expect(model.parameters()).toEqual(before)
  expect(model.trainableParameters()).toHaveLength(2)
})

test('many tensors are read in several groups', async () => {
  const { engine } = holder
  const layers = Array.from({ length: 3 }, () => new Linear(engine, 2100, 2000, { bias: false })) // 16.8 MB each
  const model = new Sequential(engine, layers)
  const out = await model.stateDict()
  for (const [i, layer] of layers.entries()) {
    const expected = await layer.weight.toArray()
    expect(Buffer.from(out.get(`${i}.weight`)!.data.buffer).equals(Buffer.from(expected.buffer)), `layer ${i}`).toBe(
      true,
    )
  }
  model.dispose()
})

test('num_batches_tracked may be missing, and may come as another type', () => {
  const model = build(holder.engine)
  const old = complete()
  old.delete('bn.num_batches_tracked')
  expect(model.loadStateDict(old).missing).toEqual([])
  model.loadStateDict(old.set('bn.num_batches_tracked', { shape: [1], dtype: 'int32', data: Int32Array.of(12) }))
  expect(model.at('bn')).toHaveProperty('numBatchesTracked', 12)
})

describe('a state dict that does not fit', () => {
  const refuses = async (change: (stateDict: StateDict) => unknown, message: string) => {
    const model = build(holder.engine)
    const before = await model.stateDict()
    const wrong = complete()
    change(wrong)
    const load = () => model.loadStateDict(wrong, { source: 'wrong.safetensors' })
    expect(load).toThrow(WeightsError)
    expect(load).toThrow(message)
    expect(await model.stateDict()).toEqual(before)
  }

  test('one tensor is missing', () =>
    refuses(
      (stateDict) => stateDict.delete('fc.bias'),
      'wrong.safetensors: tensor "fc.bias": expected exactly the tensors of Sequential, found 1 missing: "fc.bias"',
    ))

  test('several are missing and unexpected', () =>
    refuses((stateDict) => {
      stateDict.delete('fc.bias')
      stateDict.delete('conv.weight')
      stateDict.set('head.bias', stateDict.get('bn.bias')!)
    }, 'expected exactly the tensors of Sequential, found 2 missing: "conv.weight", "fc.bias"; 1 unexpected: "head.bias"'))

  test('a long list is cut', () =>
    refuses((stateDict) => {
      for (let i = 0; i < 20; i++) stateDict.set(`x${i}`, stateDict.get('bn.bias')!)
    }, '20 unexpected: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11" and 8 more'))

  test('another shape', () =>
    refuses(
      (stateDict) => stateDict.set('fc.weight', { shape: [1000, 5], dtype: 'float32', data: new Float32Array(5000) }),
      'tensor "fc.weight": expected shape [3, 5], found [1000, 5]',
    ))

  test("the engine's layout instead of OIHW, and one more", () =>
    refuses((stateDict) => {
      stateDict.set('conv.weight', { shape: [3, 2, 2, 6], dtype: 'float32', data: new Float32Array(72) })
      stateDict.set('bn.num_batches_tracked', { shape: [2], dtype: 'int64', data: new BigInt64Array(2) })
    }, 'tensor "conv.weight": expected shape [6, 2, 3, 2], found [3, 2, 2, 6] (wrong as well: "bn.num_batches_tracked")'))

  test('another type', () =>
    refuses(
      (stateDict) => stateDict.set('fc.bias', { shape: [3], dtype: 'int64', data: new BigInt64Array(3) }),
      'tensor "fc.bias": expected float32, found int64',
    ))
})

describe('strict: false', () => {
  test('reports what is missing and unexpected, and loads the rest', async () => {
    const model = build(holder.engine)
    const partial = complete()
    partial.delete('fc.bias')
    partial.set('other', partial.get('bn.bias')!)
    expect(model.loadStateDict(partial, { strict: false })).toEqual({
      loaded: [...complete().keys()].filter((name) => name !== 'fc.bias'),
      missing: ['fc.bias'],
      unexpected: ['other'],
      reshaped: [],
    })
    expect((await model.stateDict()).get('fc.weight')).toEqual(complete().get('fc.weight'))
  })

  test('still refuses another shape', () => {
    const model = build(holder.engine)
    const wrong = values({ 'fc.weight': [4, 5] })
    expect(() => model.loadStateDict(wrong, { strict: false })).toThrow(WeightsError)
  })
})
