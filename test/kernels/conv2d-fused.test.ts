/** Convolutions and linear layers with what may follow them in the same pass, against the same operations one by one. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { add, batchNorm2d, conv2d, type Conv2dOptions, linear, relu } from '../../src/autograd/ops/index.js'
import { sizeOf } from '../../src/autograd/shape.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'
import { checkGradients, type TensorsByName } from '../support/op-suite.js'

const devices = { 'the default device': useEngine(), 'kernels for GPUs': useEngineWithGpuKernels() }
const holder = devices['the default device']

interface Parts {
  readonly bias?: boolean
  readonly norm?: boolean
  readonly residual?: boolean
  readonly relu?: boolean
}

/** A convolution, and its output's shape. */
interface Case {
  readonly input: readonly number[]
  readonly weight: readonly number[]
  readonly output: readonly number[]
  readonly options?: Conv2dOptions
}

const cases: Readonly<Record<string, Case>> = {
  '1x1': { input: [2, 5, 4, 6], weight: [1, 1, 6, 8], output: [2, 5, 4, 8] },
  '3x3, as Winograd computes it': {
    input: [2, 8, 8, 32],
    weight: [3, 3, 32, 32],
    output: [2, 8, 8, 32],
    options: { padding: 1 },
  },
  'strided, one output channel': {
    input: [2, 7, 7, 3],
    weight: [3, 3, 3, 1],
    output: [2, 4, 4, 1],
    options: { stride: 2, padding: 1 },
  },
  'in groups': { input: [1, 4, 4, 6], weight: [3, 3, 3, 10], output: [1, 2, 2, 10], options: { groups: 2 } },
}

const parts: readonly Parts[] = [
  { relu: true },
  { bias: true, relu: true },
  { residual: true },
  { norm: true },
  { bias: true, norm: true, residual: true },
  { norm: true, residual: true, relu: true },
  { bias: true, norm: true, residual: true, relu: true },
]
const nameOf = (given: Parts) => Object.keys(given).join(', ')

const trainable = ['input', 'weight', 'bias', 'residual']

function inputsOf(engine: Engine, { input, weight, output }: Case, given: Parts, names = trainable) {
  const channels = output.at(-1)!
  const make = (name: string, shape: readonly number[], seed: number, change = (value: number) => value) =>
    [
      name,
      engine.tensor(testValues(sizeOf(shape), seed).map(change), shape, { requiresGrad: names.includes(name) }),
    ] as const
  return Object.fromEntries([
    make('input', input, 1),
    make('weight', weight, 2),
    ...(given.bias ? [make('bias', [channels], 3)] : []),
    ...(given.residual ? [make('residual', output, 4)] : []),
    make('normWeight', [channels], 5, (value) => value + 1.5),
    make('normBias', [channels], 6),
    make('runningMean', [channels], 7),
    make('runningVar', [channels], 8, (value) => value + 1.5),
  ]) as Record<string, Tensor>
}

const normOf = ({ normWeight, normBias, runningMean, runningVar }: TensorsByName) => ({
  weight: normWeight!,
  bias: normBias!,
  runningMean: runningMean!,
  runningVar: runningVar!,
  eps: 1e-3,
})

function fused(inputs: TensorsByName, { options }: Case, given: Parts): Tensor {
  const normalization = given.norm ? normOf(inputs) : undefined
  const epilogue = { normalization, residual: inputs.residual, relu: given.relu }
  return conv2d(inputs.input!, inputs.weight!, inputs.bias, { ...options, ...epilogue })
}

function oneByOne(inputs: TensorsByName, { options }: Case, given: Parts): Tensor {
  let result = conv2d(inputs.input!, inputs.weight!, inputs.bias, options)
  if (given.norm) result = batchNorm2d(result, { ...normOf(inputs), mode: 'frozen' })
  if (inputs.residual) result = add(result, inputs.residual)
  return given.relu ? relu(result) : result
}

async function resultsOf(inputs: TensorsByName, output: Tensor): Promise<Record<string, ArrayLike<number>>> {
  const results: Record<string, ArrayLike<number>> = { output: await output.toArray() }
  output.backward({ gradient: output.engine.tensor(testValues(output.size, 9), output.shape) })
  for (const [name, { grad }] of Object.entries(inputs)) if (grad) results[`gradient of ${name}`] = await grad.toArray()
  return results
}

describe.each(Object.entries(devices))('a convolution on %s', (_device, device) => {
  describe.each(Object.entries(cases))('%s', (_case, convolution) => {
    test.each(parts.map((given) => [nameOf(given), given] as const))('%s', async (_name, given) => {
      const { engine } = device
      const [first, second] = [inputsOf(engine, convolution, given), inputsOf(engine, convolution, given)]
      const actual = await resultsOf(first, fused(first, convolution, given))
      const expected = await resultsOf(second, oneByOne(second, convolution, given))
      expect(Object.keys(actual)).toEqual(Object.keys(expected))
      for (const [name, values] of Object.entries(expected)) {
        // the mean is a part of the summand: some roundings more or less, in sums of up to 288 products
        expectClose(actual[name]!, values, 1e-6, name)
      }
    })
  })
})

describe('gradients of a convolution with everything', () => {
  const everything = { bias: true, norm: true, residual: true, relu: true }
  const convolution = cases['1x1']!

  test('are the same whether or not the other inputs have one', async () => {
    const { engine } = holder
    const results = (names: string[]) => {
      const inputs = inputsOf(engine, convolution, everything, names)
      return resultsOf(inputs, fused(inputs, convolution, everything))
    }
    const all = await results(trainable)
    expect(Object.keys(all)).toHaveLength(5)
    for (let subset = 1; subset < 16; subset++) {
      const names = trainable.filter((_each, i) => (subset >> i) % 2 === 1)
      for (const [key, values] of Object.entries(await results(names))) {
        expect(values, `${key} with ${names.join(' and ')}`).toEqual(all[key])
      }
    }
  })

  test('agree with finite differences', async () => {
    const { engine } = holder
    const fixed = inputsOf(engine, convolution, everything, [])
    // the ReLU is always far from its kink: some channels pass, the others are cut off
    fixed.normBias = engine.tensor([20, -20, 20, 20, -20, 20, -20, 20])
    const { input, weight, output } = convolution
    await checkGradients(engine, (inputs) => fused({ ...fixed, ...inputs }, convolution, everything), {
      input,
      weight,
      bias: [8],
      residual: output,
    })
  })

  test('give their memory back', () => {
    const { engine } = holder
    const inputs = inputsOf(engine, convolution, everything)
    const run = () => {
      engine.scope(() => {
        const output = fused(inputs, convolution, everything)
        output.backward({ gradient: engine.ones(output.shape) })
        for (const name of trainable) inputs[name]!.grad = undefined
      })
    }
    run() // the scale and the summand stay with the batch norm's weight
    const { inUse } = engine.memory()
    run()
    expect(engine.memory().inUse).toBe(inUse)
  })
})

test.each(['normWeight', 'normBias', 'runningMean', 'runningVar', 'bias'])(
  'a batch norm is folded anew when %s has changed',
  async (name) => {
    const { engine } = holder
    const [convolution, given] = [cases['1x1']!, { bias: true, norm: true }]
    const inputs = inputsOf(engine, convolution, given, [])
    const before = await fused(inputs, convolution, given).toArray()
    inputs[name]!.set(testValues(8, 20).map((value) => value + 2))
    const after = await fused(inputs, convolution, given).toArray()
    expect(after).not.toEqual(before)
    expectClose(after, await oneByOne(inputs, convolution, given).toArray(), 1e-6, 'output')
  },
)

test('what was folded or packed while nothing ran is not used later', async () => {
  const { engine } = holder
  for (const convolution of [cases['1x1']!, cases['3x3, as Winograd computes it']!]) {
    const given = { norm: true }
    const inputs = inputsOf(engine, convolution, given, [])
    engine.device.withoutRunning(() => engine.scope(() => fused(inputs, convolution, given).shape))
    const output = await fused(inputs, convolution, given).toArray()
    expectClose(output, await oneByOne(inputs, convolution, given).toArray(), 1e-6, 'output')
  }
})

describe('a convolution refuses', () => {
  const convolution = cases['1x1']!

  test('a residual that is not of the output’s shape', () => {
    const { engine } = holder
    const inputs = { ...inputsOf(engine, convolution, {}), residual: engine.zeros([8]) }
    expect(() => fused(inputs, convolution, {})).toThrow(
      new ShapeError('conv2d', 'a residual as f32 [2, 5, 4, 8]', 'f32 [8]'),
    )
  })

  test('a batch norm of other channels', () => {
    const { engine } = holder
    const inputs = { ...inputsOf(engine, convolution, {}), normBias: engine.zeros([7]) }
    expect(() => fused(inputs, convolution, { norm: true })).toThrow(
      new ShapeError('conv2d', 'bias as f32 [8]', 'f32 [7]'),
    )
  })
})

describe.each(Object.entries(devices))('a linear layer with a ReLU on %s', (_device, device) => {
  test.each([
    ['matrices', [5, 7], [6, 7]],
    ['a vector', [12], [4, 12]],
    ['more dimensions', [2, 3, 8], [16, 8]],
  ])('%s', async (_name, input, weight) => {
    const { engine } = device
    const inputs = () => ({
      input: engine.tensor(testValues(sizeOf(input), 1), input, { requiresGrad: true }),
      weight: engine.tensor(testValues(sizeOf(weight), 2), weight, { requiresGrad: true }),
      bias: engine.tensor(testValues(weight[0]!, 3), [weight[0]!], { requiresGrad: true }),
    })
    const [first, second] = [inputs(), inputs()]
    const actual = await resultsOf(first, linear(first.input, first.weight, first.bias, { relu: true }))
    expect(actual).toEqual(await resultsOf(second, relu(linear(second.input, second.weight, second.bias))))
    expect(Array.from(actual.output!)).toContain(0)
  })
})
