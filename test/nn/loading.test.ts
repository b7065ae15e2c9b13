/** What loading accepts besides an exact state dict, and how it reads files that are open. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { OptionError, WeightsError } from '../../src/device/errors.js'
import { Conv2d, Linear, type LoadOptions, Sequential, type StateDict, type StoredArray } from '../../src/nn/index.js'
import { renamed } from '../../src/nn/rename.js'
import { storedArrays } from '../../src/weights/stored-arrays.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

const build = (engine: Engine) =>
  new Sequential(engine, {
    conv: new Conv2d(engine, 3, 4, 1),
    body: new Linear(engine, 4, 2),
    fc: new Linear(engine, 2, 5),
  })

const shapes: Record<string, number[]> = {
  'conv.weight': [4, 3, 1, 1],
  'conv.bias': [4],
  'body.weight': [2, 4],
  'body.bias': [2],
  'fc.weight': [5, 2],
  'fc.bias': [5],
}

const complete = (): StateDict =>
  new Map(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      {
        shape,
        dtype: 'float32',
        data: testValues(
          shape.reduce((product, length) => product * length, 1),
          i + 1,
        ),
      },
    ]),
  )

const renameAll = (change: (name: string) => string): StateDict =>
  new Map([...complete()].map(([name, array]) => [change(name), array]))

describe('rename', () => {
  test.each<[string, StateDict, LoadOptions['rename']]>([
    ['single names', renameAll((name) => (name === 'fc.weight' ? 'head' : name)), { head: 'fc.weight' }],
    ['a prefix', renameAll((name) => `backbone.${name}`), { 'backbone.': '' }],
    [
      'the longest prefix that fits',
      renameAll((name) => name.replace(/^/, 'net.').replace('net.fc.', 'net.head.')),
      { 'net.': '', 'net.head.': 'fc.' },
    ],
    [
      'a name before a prefix',
      renameAll((name) => (name === 'fc.bias' ? 'net.b' : `net.${name}`)),
      { 'net.': '', 'net.b': 'fc.bias' },
    ],
    ['by a function', renameAll((name) => name.toUpperCase()), (name) => name.toLowerCase()],
  ])('%s', async (_, stateDict, rename) => {
    const model = build(holder.engine)
    expect(model.loadStateDict(stateDict, { rename }).loaded).toEqual(Object.keys(shapes))
    expect(await model.stateDict()).toEqual(complete())
  })

  test('a function can leave tensors out', () => {
    const extra = complete().set('ema.decay', { shape: [], dtype: 'float32', data: new Float32Array(1) })
    const model = build(holder.engine)
    expect(() => model.loadStateDict(extra)).toThrow(WeightsError)
    const rename = (name: string) => (name.startsWith('ema.') ? undefined : name)
    expect(model.loadStateDict(extra, { rename }).unexpected).toEqual([])
  })

  test('two tensors may not get one name', () => {
    const merge = () => renamed(complete(), (name) => name.replace('body', 'fc'))
    expect(merge).toThrow(OptionError)
    expect(merge).toThrow('each tensor, and not one for "body.weight" and "fc.weight", got "fc.weight"')
  })

  test('a name without a dot at its end is no prefix', () => {
    expect([...renamed(new Map([['fc.weight', 1]]), { fc: 'head' }).keys()]).toEqual(['fc.weight'])
  })
})

describe('allowMissing', () => {
  const without = (prefix: string) => new Map([...complete()].filter(([name]) => !name.startsWith(prefix)))

  test.each([
    ['a name', ['fc.weight', 'fc.bias']],
    ['a prefix', ['fc.']],
  ])('%s', async (_, allowMissing) => {
    const model = build(holder.engine)
    const before = (await model.stateDict()).get('fc.weight')
    const report = model.loadStateDict(without('fc.'), { allowMissing })
    expect(report).toMatchObject({ missing: ['fc.weight', 'fc.bias'], unexpected: [] })
    expect(report.loaded).toEqual(['conv.weight', 'conv.bias', 'body.weight', 'body.bias'])
    expect((await model.stateDict()).get('fc.weight')).toEqual(before)
  })

  test('does not allow others', () => {
    const load = () => build(holder.engine).loadStateDict(without('body.'), { allowMissing: ['fc.', 'body.weight'] })
    expect(load).toThrow('tensor "body.bias": expected exactly the tensors of Sequential, found 1 missing')
  })
})

describe('shapes that differ in dimensions of length 1', () => {
  test('are taken and reported', async () => {
    const model = build(holder.engine)
    const flat = complete()
    flat.set('conv.weight', { ...flat.get('conv.weight')!, shape: [4, 3] })
    flat.set('fc.weight', { ...flat.get('fc.weight')!, shape: [5, 2, 1, 1] })
    expect(model.loadStateDict(flat).reshaped).toEqual([
      { name: 'conv.weight', from: [4, 3], to: [4, 3, 1, 1] },
      { name: 'fc.weight', from: [5, 2, 1, 1], to: [5, 2] },
    ])
    expect(await model.stateDict()).toEqual(complete())
  })

  test('of other lengths, or in another order, are refused', () => {
    for (const shape of [[2, 5], [10], [5, 1, 1, 1], [5, 2, 2]]) {
      const wrong = complete().set('fc.weight', { shape, dtype: 'float32', data: new Float32Array(20) })
      expect(() => build(holder.engine).loadStateDict(wrong)).toThrow('tensor "fc.weight": expected shape [5, 2]')
    }
  })
})

describe('loadTensors', () => {
  /** Tensors that log when they are asked for and when they are there. */
  function logged(log: string[], tensors = storedArrays(complete())): Map<string, StoredArray> {
    return new Map(
      [...tensors].map(([name, stored]) => [
        name,
        {
          ...stored,
          read: async () => {
            log.push(`ask ${name}`)
            await Promise.resolve()
            log.push(`get ${name}`)
            return stored.read()
          },
        },
      ]),
    )
  }

  test('gives what loadStateDict gives', async () => {
    const model = build(holder.engine)
    const report = await model.loadTensors(storedArrays(complete()))
    expect(report).toEqual(build(holder.engine).loadStateDict(complete()))
    expect(await model.stateDict()).toEqual(complete())
  })

  test('reads in the order of the file, one tensor ahead and no more', async () => {
    const log: string[] = []
    const reversed = new Map([...logged(log)].reverse())
    await build(holder.engine).loadTensors(reversed)
    const names = Object.keys(shapes).reverse()
    expect(log).toEqual(names.flatMap((name) => [`ask ${name}`, `get ${name}`]))
  })

  test('reads nothing of a file that does not fit', async () => {
    const log: string[] = []
    const tensors = logged(log)
    tensors.delete('fc.bias')
    await expect(build(holder.engine).loadTensors(tensors, { source: 'cut.pth' })).rejects.toThrow(/^cut\.pth: /)
    expect(log).toEqual([])
  })

  test('passes on the error of a tensor that cannot be read', async () => {
    for (const broken of ['conv.weight', 'conv.bias', 'fc.bias']) {
      const tensors = storedArrays(complete())
      const error = new WeightsError('net.pth', { tensor: broken, expected: 'data', found: 'none' })
      tensors.set(broken, { ...tensors.get(broken)!, read: () => Promise.reject(error) })
      await expect(build(holder.engine).loadTensors(tensors)).rejects.toBe(error)
    }
  })
})
