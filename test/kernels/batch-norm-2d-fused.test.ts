/** Batch norm with what may follow it in the same pass: a residual, a ReLU, both. */
import { describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { add, relu } from '../../src/autograd/ops/index.js'
import type { BatchNormMode } from '../../src/autograd/ops/batch-norm-2d.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { ShapeError } from '../../src/device/errors.js'
import { allResults, randomInputs, run, tolerance } from '../support/batch-norm-2d.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'
import { checkGradients, goldenSuite, type TensorsByName } from '../support/op-suite.js'

const lesserLimits = {
  maxStorageBufferBindingSize: 65536,
  maxComputeInvocationsPerWorkgroup: 64,
  maxComputeWorkgroupSizeX: 64,
  maxComputeWorkgroupsPerDimension: 16,
}
const devices = {
  'the default device': useEngine(),
  'kernels for GPUs': useEngineWithGpuKernels(),
  'bindings of 64 KiB': useEngine({ requiredLimits: lesserLimits }),
}
const holder = devices['the default device']

const modes = ['training', 'evaluation', 'frozen'] as const
const followings = [
  ['a ReLU', { relu: true, residual: false }],
  ['a residual', { relu: false, residual: true }],
  ['both', { relu: true, residual: true }],
] as const
const combinations = modes.flatMap((mode) => followings.map(([name, following]) => [mode, name, following] as const))

/** The inputs that can have a gradient. */
const trainableIn = (mode: BatchNormMode, residual: boolean) => [
  ...(mode === 'frozen' ? ['input'] : ['input', 'weight', 'bias']),
  ...(residual ? ['residual'] : []),
]

/** The same, each part as an operation of its own. */
function unfused({ residual, ...inputs }: TensorsByName, mode: BatchNormMode, withRelu: boolean): Tensor {
  const normalized = run(inputs, { mode })
  const sum = residual ? add(normalized, residual) : normalized
  return withRelu ? relu(sum) : sum
}

describe.each(Object.entries(devices))('on %s', (_name, device) => {
  goldenSuite(device, 'batchNorm2d, fused,', { run, tolerance, file: 'batchNorm2dFused' })
})

describe.each(combinations)('%s, with %s behind it', (mode, _name, { relu: withRelu, residual }) => {
  const names = trainableIn(mode, residual)
  // channels one by one and in fours; one chunk of rows and many; one window on the lesser device and some
  const shapes = [...[1, 3, 4, 5, 64, 132].map((channels) => [2, 7, 5, channels]), [2, 96, 48, 5], [3, 50, 40, 8]]

  test.each(Object.entries(devices))(
    'has the bits of the operations one by one, on %s',
    async (_device, { engine }) => {
      for (const shape of shapes) {
        const inputs = () => randomInputs(engine, shape, names, { residual })
        const fused = await allResults(inputs(), (given) => run(given, { mode, relu: withRelu }))
        const expected = await allResults(inputs(), (given) => unfused(given, mode, withRelu))
        expect(Object.keys(fused)).toEqual(Object.keys(expected))
        for (const [key, values] of Object.entries(expected)) {
          expect(fused[key], `${key} of ${shape.join(' x ')}`).toEqual(values)
        }
      }
    },
  )

  test('gives each input its gradient whether or not the others have one', async () => {
    const { engine } = holder
    const shape = [2, 3, 3, 8]
    const results = (trainable: readonly string[]) =>
      allResults(randomInputs(engine, shape, trainable, { residual }), (given) => run(given, { mode, relu: withRelu }))
    const all = await results(names)
    for (let subset = 1; subset < 2 ** names.length; subset++) {
      const trainable = names.filter((_each, i) => (subset >> i) % 2 === 1)
      for (const [key, values] of Object.entries(await results(trainable))) {
        expect(values, `${key} with ${trainable.join(' and ')}`).toEqual(all[key])
      }
    }
  })

  test('agrees with finite differences', async () => {
    const { engine } = holder
    const shape = [3, 4, 5, 6]
    // the ReLU is always far from its kink: some channels pass, the others are cut off
    const bias = Float32Array.from([8, -8, 8, 8, -8, 8])
    const fixed = { ...randomInputs(engine, shape, [], { residual }), bias: engine.tensor(bias) }
    const inputShapes = { input: shape, weight: [6], bias: [6], residual: shape }
    await checkGradients(
      engine,
      (inputs) => run({ ...fixed, ...inputs }, { mode, relu: withRelu }),
      Object.fromEntries(names.map((name) => [name, inputShapes[name as keyof typeof inputShapes]])),
      { values: { bias } },
    )
  })

  test('gives its memory back', () => {
    const { engine } = holder
    const inputs = randomInputs(engine, [2, 3, 3, 8], names, { residual })
    const gradient = engine.ones([2, 3, 3, 8])
    const before = engine.memory().inUse
    engine.scope(() => {
      run(inputs, { mode, relu: withRelu }).backward({ gradient })
      for (const input of Object.values(inputs)) input.grad = undefined
    })
    expect(engine.memory().inUse).toBe(before)
  })
})

describe('how often memory is passed', () => {
  const kernels = (engine: Engine, body: () => void) => {
    const dispatch = vi.spyOn(engine.device, 'dispatch')
    body()
    const names = dispatch.mock.calls.map(([program]) => program.name.replace('batch-norm-2d/', ''))
    dispatch.mockRestore()
    return names
  }
  const backward = ['sums-partial', 'sums-merge', 'training-backward']
  const masking = ['masked-sums-partial', 'sums-merge', 'training-backward']

  test.each([
    ['training', 'a ReLU', { relu: true, residual: false }, backward],
    ['training', 'a residual', { relu: false, residual: true }, backward],
    ['training', 'both', { relu: true, residual: true }, masking],
    ['evaluation', 'both', { relu: true, residual: true }, [...masking.slice(0, 2), 'running-backward']],
    ['frozen', 'a ReLU', { relu: true, residual: false }, ['running-backward']],
    ['frozen', 'a residual', { relu: false, residual: true }, ['running-backward']],
    ['frozen', 'both', { relu: true, residual: true }, ['masked-running-backward']],
  ] as const)('%s, with %s', (mode, _name, { relu: withRelu, residual }, expected) => {
    const { engine } = holder
    const inputs = randomInputs(engine, [2, 3, 3, 8], trainableIn(mode, residual), { residual })
    const gradient = engine.ones([2, 3, 3, 8])
    let output: Tensor
    const forward = kernels(engine, () => {
      output = run(inputs, { mode, relu: withRelu })
    })
    expect(forward).toEqual(mode === 'training' ? ['moments-partial', 'moments-merge', 'normalize'] : ['normalize'])
    expect(kernels(engine, () => output.backward({ gradient }))).toEqual(expected)
  })

  test('a residual that alone has a gradient gets it through the ReLU only', () => {
    const { engine } = holder
    const inputs = randomInputs(engine, [2, 3, 3, 8], ['residual'], { residual: true })
    const output = run(inputs, { mode: 'training', relu: true })
    expect(kernels(engine, () => output.backward({ gradient: output.detach() }))).toEqual(['relu/backward'])
  })
})

test('NaN passes the ReLU, forward and backward', async () => {
  const { engine } = holder
  for (const mode of modes) {
    const values = testValues(36)
    values[5] = NaN
    const inputs = randomInputs(engine, [1, 3, 3, 4], ['input'])
    const input = engine.tensor(values, [1, 3, 3, 4], { requiresGrad: true })
    const output = run({ ...inputs, input }, { mode, relu: true })
    expect((await output.toArray())[5]).toBeNaN()
    output.backward({ gradient: engine.tensor(new Float32Array(36).fill(NaN), [1, 3, 3, 4]) })
    expect((await input.grad!.toArray())[5]).toBeNaN()
  }
})

test('a large mean costs no digits', async () => {
  const { engine } = holder
  // mean 1000, deviation 0.03: a folded mean would leave four digits
  const values = testValues(4800, 3).map((value) => 1000 + 0.05 * value)
  const inputs = { ...randomInputs(engine, [1, 40, 40, 3]), input: engine.tensor(values, [1, 40, 40, 3]) }
  const fused = await run(inputs, { mode: 'training', relu: true }).toArray()
  expectClose(fused, await unfused(inputs, 'training', true).toArray(), 0, 'output')
})

test.each([
  ['another shape', [1, 3, 3, 4]],
  ['one that would be broadcast', [4]],
] as const)('a residual of %s is refused', (_name, shape) => {
  const { engine } = holder
  const inputs = { ...randomInputs(engine, [2, 3, 3, 4]), residual: engine.zeros(shape) }
  expect(() => run(inputs, { mode: 'evaluation' })).toThrow(
    new ShapeError('batchNorm2d', 'a residual as f32 [2, 3, 3, 4]', `f32 [${shape.join(', ')}]`),
  )
})
