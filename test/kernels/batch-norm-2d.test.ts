import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import type { BatchNormMode } from '../../src/autograd/ops/batch-norm-2d.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { allResults, largest, moments, randomInputs, run, tolerance, valuesOf } from '../support/batch-norm-2d.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { type GoldenCase, loadGolden } from '../support/golden.js'
import { checkGradients, goldenSuite, type TensorsByName } from '../support/op-suite.js'

const holder = useEngine()

goldenSuite(holder, 'batchNorm2d', { run, tolerance })

describe('batchNorm2d moves its running statistics as PyTorch does', () => {
  const cases = loadGolden('batchNorm2d').cases.filter((golden) => golden.attributes.mode === 'training')
  test.each(cases.map((golden) => [golden.name, golden] as const))('%s', async (_name, golden) => {
    const { engine } = holder
    const inputs = tensorsOf(engine, golden)
    run(inputs, golden.attributes)
    for (const name of ['runningMean', 'runningVar']) {
      // five roundings each; a mean of 100 is exact to half a unit, and the variance does not see the mean's error
      expectClose(await inputs[name]!.toArray(), golden.tensor(`${name}After`).data, 2e-6, name)
    }
  })

  test.each(['evaluation', 'frozen'] as const)('not in %s mode', async (mode) => {
    const inputs = randomInputs(holder.engine, [2, 3, 3, 4])
    const before = await inputs.runningVar!.toArray()
    const { version } = inputs.runningMean!.buffer
    run(inputs, { mode })
    expect(await inputs.runningVar!.toArray()).toEqual(before)
    expect(inputs.runningMean!.buffer.version).toBe(version)
  })
})

describe('batchNorm2d agrees with finite differences', () => {
  test.each([
    ['training', ['input', 'weight', 'bias']],
    ['evaluation', ['input', 'weight', 'bias']],
    ['frozen', ['input']],
  ] as const)('%s', async (mode, names) => {
    const { engine } = holder
    const fixed = randomInputs(engine, [3, 4, 5, 6])
    const shapes = { input: [3, 4, 5, 6], weight: [6], bias: [6] }
    await checkGradients(
      engine,
      (inputs) => run({ ...fixed, ...inputs }, { mode }),
      Object.fromEntries(names.map((name) => [name, shapes[name]])),
    )
  })

  test('any shape, in training', async () => {
    const { engine } = holder
    const dimension = fc.integer({ min: 1, max: 6 })
    await fc.assert(
      fc.asyncProperty(fc.tuple(dimension, dimension, dimension, dimension), async (shape) => {
        fc.pre(shape[0] * shape[1] * shape[2] > 2)
        const inputs = randomInputs(engine, shape)
        const output = await run(inputs, { mode: 'training' }).toArray()
        const expected = normalized(await valuesOf(inputs), 1e-5)
        expectClose(output, expected, 5e-6, `output of shape ${shape.join(' x ')}`)
      }),
      { numRuns: 20 },
    )
  })
})

describe('the statistics are stable', () => {
  // 40 x 40 values per channel, so that lanes, chunks and the tree all have work
  const shape = [1, 40, 40, 3]

  test.each([
    ['mean 1000, deviation 0.03', 1000, 0.05],
    ['mean -1e6, deviation 60', -1e6, 100],
    ['mean 0, deviation 1e-10', 0, 1e-10],
    ['mean 0, deviation 1e15', 0, 1e15],
  ])('%s', async (_name, offset, amplitude) => {
    const values = testValues(4800, 3).map((value) => offset + amplitude * value)
    const { variance } = await runningAfter(shape, values)
    // whatever the mean is: the f32 values are the truth here, and their deviations have a few roundings only
    expectClose(variance, unbiased(values, 3), 2e-6, 'variance')
  })

  test('an outlier where everything begins', async () => {
    const values = testValues(4800, 4)
    for (let c = 0; c < 3; c++) values[c] = 1e4
    const { variance, mean } = await runningAfter(shape, values)
    expectClose(variance, unbiased(values, 3), 2e-6, 'variance')
    // the outlier is far from the mean, and so is the origin of all sums: half a unit of it, in deviations of 250
    const difference = moments(values, 3).mean.map((value, c) => value - mean[c]!)
    expect(largest(difference) / Math.sqrt(variance[0]!)).toBeLessThan(4e-6)
  })

  test('a constant channel has variance 0, and its output is the bias', async () => {
    const { engine } = holder
    const inputs: TensorsByName = { ...randomInputs(engine, shape), input: engine.full(shape, 0.1) }
    const output = await run(inputs, { mode: 'training', momentum: 1 }).toArray()
    expect(largest(await inputs.runningVar!.toArray())).toBe(0)
    const bias = await inputs.bias!.toArray()
    expect(largest(output.map((value, i) => value - bias[i % 3]!))).toBeLessThan(1e-5)
  })

  test('NaN reaches the output and the running statistics of its channel only', async () => {
    const { engine } = holder
    const values = testValues(4800, 5)
    values[3001] = NaN
    const inputs: TensorsByName = { ...randomInputs(engine, shape), input: engine.tensor(values, shape) }
    const output = await run(inputs, { mode: 'training' }).toArray()
    const nanChannels = new Set([...output.keys()].filter((i) => Number.isNaN(output[i])).map((i) => i % 3))
    expect([...nanChannels]).toEqual([1])
    expect(Array.from(await inputs.runningVar!.toArray(), Number.isNaN)).toEqual([false, true, false])
  })

  async function runningAfter(dimensions: number[], values: Float32Array<ArrayBuffer>) {
    const { engine } = holder
    const inputs: TensorsByName = { ...randomInputs(engine, dimensions), input: engine.tensor(values, dimensions) }
    run(inputs, { mode: 'training', momentum: 1 })
    return { mean: await inputs.runningMean!.toArray(), variance: await inputs.runningVar!.toArray() }
  }

  function unbiased(values: ArrayLike<number>, channels: number): number[] {
    const rows = values.length / channels
    return moments(values, channels).variance.map((variance) => (variance * rows) / (rows - 1))
  }
})

describe('batchNorm2d uses batches in pieces', () => {
  const shape = [2, 96, 48, 5] // 184 KB: several chunks, and with the lesser limits below four windows

  const results = (engine: Engine, mode: BatchNormMode) => {
    const trainable = mode === 'frozen' ? ['input'] : ['input', 'weight', 'bias']
    return allResults(randomInputs(engine, shape, trainable), (inputs) => run(inputs, { mode }))
  }

  test.each(['training', 'evaluation', 'frozen'] as const)('twice the same bits, %s', async (mode) => {
    expect(await results(holder.engine, mode)).toEqual(await results(holder.engine, mode))
  })

  describe('on a lesser device', () => {
    const lesser = useEngine({
      requiredLimits: {
        maxStorageBufferBindingSize: 65536,
        maxComputeInvocationsPerWorkgroup: 64,
        maxComputeWorkgroupSizeX: 64,
        maxComputeWorkgroupsPerDimension: 16,
      },
    })

    test.each(['training', 'evaluation', 'frozen'] as const)('%s gives the same results', async (mode) => {
      expect(lesser.engine.device.limits.bindingSize).toBe(65536)
      expect(lesser.engine.device.workgroupSize).toBe(64)
      const expected = await results(holder.engine, mode)
      const actual = await results(lesser.engine, mode)
      // sums of 9216 terms, added in another order
      for (const [name, values] of Object.entries(expected)) expectClose(actual[name]!, values, 2e-5, name)
    })
  })
})

describe('batchNorm2d with frozen inputs', () => {
  test('the frozen mode ignores that weight and bias are trainable', () => {
    const inputs = randomInputs(holder.engine, [2, 3, 3, 4], ['weight', 'bias'])
    expect(run(inputs, { mode: 'frozen' }).requiresGrad).toBe(false)
  })

  test.each([
    ['training', 'bias', 0],
    ['training', 'weight', 1],
    ['training', 'input', 1],
    ['evaluation', 'bias', 0],
    ['evaluation', 'weight', 1],
    ['evaluation', 'input', 0],
    ['frozen', 'input', 0],
  ] as const)('%s mode with only %s trainable keeps the input %i time(s)', (mode, name, times) => {
    const inputs = randomInputs(holder.engine, [2, 3, 3, 4], [name])
    const before = inputs.input!.buffer.references
    const output = run(inputs, { mode })
    expect(inputs.input!.buffer.references - before).toBe(times)
    output.backward({ gradient: holder.engine.ones(output.shape) })
    expect(inputs.input!.buffer.references).toBe(before)
  })

  test('running statistics that require gradients cannot be updated', () => {
    const inputs = randomInputs(holder.engine, [2, 3, 3, 4], ['runningMean'])
    expect(() => run(inputs, { mode: 'training' })).toThrow(/runningMean|in place/)
  })
})

describe('batchNorm2d refuses', () => {
  const wrong = (change: (inputs: TensorsByName, engine: Engine) => TensorsByName, attributes: object = {}) => {
    const { engine } = holder
    const inputs = randomInputs(engine, [2, 3, 3, 4])
    return () => run({ ...inputs, ...change(inputs, engine) }, { mode: 'evaluation', ...attributes })
  }

  test('an input that is not [N, H, W, C]', () => {
    expect(wrong((_inputs, engine) => ({ input: engine.ones([3, 4]) }))).toThrow(
      new ShapeError('batchNorm2d', 'an f32 or f16 tensor [N, H, W, C]', 'f32 [3, 4]'),
    )
  })

  test.each(['weight', 'bias', 'runningMean', 'runningVar'])('a %s of another length', (name) => {
    expect(wrong((_inputs, engine) => ({ [name]: engine.ones([5]) }))).toThrow(
      new ShapeError('batchNorm2d', `${name} as f32 [4]`, 'f32 [5]'),
    )
  })

  test('one value per channel in training', () => {
    const { engine } = holder
    const one = { input: engine.ones([1, 1, 1, 4]) }
    expect(wrong(() => one, { mode: 'training' })).toThrow(/more than 1 value per channel.*\[1, 1, 1, 4\]/)
    expect(wrong(() => one)).not.toThrow()
  })

  test.each([{ mode: 'eval' }, { momentum: 1.5 }, { momentum: NaN }, { eps: -1 }, { eps: Infinity }])(
    '%o',
    (option) => {
      expect(wrong(() => ({}), option)).toThrow(OptionError)
    },
  )
})

function tensorsOf(engine: Engine, golden: GoldenCase): Record<string, Tensor> {
  return Object.fromEntries(
    golden.inputs.map((name) => {
      const { data, shape } = golden.tensor(name)
      return [name, engine.tensor(data, shape)]
    }),
  )
}

/** The output in training mode, in f64. */
function normalized({ input, weight, bias }: Record<string, ArrayLike<number>>, eps: number): number[] {
  const channels = weight!.length
  const { mean, variance } = moments(input!, channels)
  return Array.from(input!, (value, i) => {
    const c = i % channels
    return ((value - mean[c]!) / Math.sqrt(variance[c]! + eps)) * weight![c]! + bias![c]!
  })
}
