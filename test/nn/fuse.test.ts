/** Folding one batch norm into one convolution, against the formula in float64. */
import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/device/errors.js'
import { BatchNorm2d, Conv2d, type Conv2dOptions, Identity, ReLU, Sequential } from '../../src/nn/index.js'
import { fuseInto } from '../../src/nn/fuse.js'
import { FusedConv2d } from '../../src/nn/fused-conv2d.js'
import type { StateDict } from '../../src/nn/state-dict.js'
import { expectClose } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { hashFill } from '../support/hash-weights.js'

const holder = useEngine()

/** A multiplication, a square root and a division more than the formula in float64 rounds: a few units of 2^-24. */
const tolerance = 1e-6

const valuesOf = (stateDict: StateDict, name: string) => Array.from(stateDict.get(name)!.data as Float32Array)

/** A convolution of 6 to 4 channels, its batch norm with values of no special kind, and a ReLU. */
function convolutionAndNorm(options: Conv2dOptions, eps: number) {
  const { engine } = holder
  const conv = new Conv2d(engine, 6, 4, [3, 2], options)
  const norm = new BatchNorm2d(engine, 4, { eps })
  engine.noGrad(() => {
    norm.weight.set([-1.5, 0, 0.7, 3])
    norm.bias.set([0.3, -2, 0, 0.1])
    norm.runningMean.set([-40, 1, 0.2, 1e-3])
    norm.runningVar.set([900, 2, 0, 1e-9])
  })
  const original = new Sequential(engine, [conv, norm, new ReLU(engine)])
  const convolution = new FusedConv2d(engine, 6, 4, [3, 2], options)
  const fused = new Sequential(engine, [convolution, new Identity(engine), new ReLU(engine)])
  return { original, fused }
}

describe.each([
  ['without bias', { bias: false }, 1e-5],
  ['with a bias', { bias: true }, 1e-5],
  ['in groups', { groups: 2 }, 1e-5],
  ['strided, padded, dilated', { stride: 2, padding: 1, dilation: [1, 2] }, 1e-5],
  ['with another eps', {}, 1e-3],
] as const)('a convolution %s', (_name, options, eps) => {
  test('has the weight and bias of the formula', async () => {
    const { original, fused } = convolutionAndNorm(options, eps)
    fuseInto(fused, original)
    const [before, after] = await Promise.all([original.stateDict(), fused.stateDict()])
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((key) =>
      valuesOf(before, `1.${key}`),
    ) as [number[], number[], number[], number[]]
    const scale = gamma.map((value, channel) => value / Math.sqrt(variance[channel]! + eps))
    const bias = before.has('0.bias') ? valuesOf(before, '0.bias') : [0, 0, 0, 0]
    const weight = valuesOf(before, '0.weight')
    for (let channel = 0; channel < 4; channel++) {
      const [begin, end] = [channel, channel + 1].map((c) => (c * weight.length) / 4)
      const expected = weight.slice(begin, end).map((value) => value * scale[channel]!)
      expectClose(valuesOf(after, '0.weight').slice(begin, end), expected, tolerance, `weight of channel ${channel}`)
      const shift = (bias[channel]! - mean[channel]!) * scale[channel]!
      const error = Math.abs(valuesOf(after, '0.bias')[channel]! - (shift + beta[channel]!))
      expect(error).toBeLessThanOrEqual(tolerance * (Math.abs(shift) + Math.abs(beta[channel]!)))
    }
    expect([...after.keys()]).toEqual(['0.weight', '0.bias'])
  })

  test('computes the same', async () => {
    const { engine } = holder
    const { original, fused } = convolutionAndNorm(options, eps)
    fuseInto(fused, original)
    const images = engine.tensor(hashFill('images', 2 * 8 * 9 * 6), [2, 8, 9, 6])
    const run = (model: Sequential) => engine.noGrad(() => model.call(images)).toArray()
    expectClose(await run(fused), await run(original.eval()), tolerance, 'output')
  })
})

test('a fused convolution is frozen from the beginning, and stays so', () => {
  const { fused } = convolutionAndNorm({}, 1e-5)
  expect(fused.trainableParameters()).toEqual([])
  expect(() => fused.unfreeze('0')).toThrow('train the model that fuse() was called on')
  expect(fused.trainableParameters()).toEqual([])
})

describe('networks that do not match are refused', () => {
  test.each([
    ['one module less', 1],
    ['one module more', 3],
  ])('%s', (_name, count) => {
    const { engine } = holder
    const { original } = convolutionAndNorm({}, 1e-5)
    const others = [new FusedConv2d(engine, 6, 4, [3, 2]), new Identity(engine), new ReLU(engine), new ReLU(engine)]
    expect(() => fuseInto(new Sequential(engine, others.slice(0, count + 1)), original)).toThrow(OptionError)
  })

  test('a batch norm that follows no convolution', () => {
    const { engine } = holder
    const original = new Sequential(engine, [new Conv2d(engine, 6, 4, 1), new ReLU(engine), new BatchNorm2d(engine, 4)])
    const fused = new Sequential(engine, [new FusedConv2d(engine, 6, 4, 1), new ReLU(engine), new Identity(engine)])
    expect(() => fuseInto(fused, original)).toThrow(/^fuse: expected a Sequential .* got "a Conv2d as 0"$/)
  })
})
