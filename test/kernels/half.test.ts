import { describe, expect, test } from 'vitest'
import * as ops from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { KernelError, OptionError, ShapeError } from '../../src/device/errors.js'
import { softmaxForward } from '../../src/kernels/softmax/forward.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels, useEngineWithoutSubgroups } from '../support/gpu-kernels.js'
import { compareHalf, type HalfComparison, hasHalf } from '../support/half.js'

const holder = useEngine()
const gpuKernels = useEngineWithGpuKernels()
const registers = useEngineWithoutSubgroups()
const tiny = useEngine({ requiredLimits: tinyLimits })

const norm = (
  mode: ops.BatchNormMode,
  relu: boolean,
  withResidual: boolean,
  shape: readonly number[] = [3, 5, 4, 6],
): HalfComparison => ({
  shapes: { input: shape, ...(withResidual && { residual: shape }), weight: shape.slice(3), bias: shape.slice(3) },
  parameters: ['weight', 'bias'],
  roundings: 1,
  run: ({ input, residual, weight, bias }) => {
    const { engine } = input!
    const [runningMean, runningVar] = [engine.full(weight!.shape, 0.1), engine.full(weight!.shape, 0.7)]
    return ops.batchNorm2d(input!, { weight: weight!, bias: bias!, runningMean, runningVar, mode, relu, residual })
  },
})

// A result of f16 is rounded once. Products read weights that were rounded to f16 as well, and so does the input's gradient: the
// errors of their terms add up to a second rounding, relative to the largest value. Behind a fused ReLU a value near 0 may change
// sides, which is a rounding of the value.
const comparisons: Readonly<Record<string, HalfComparison>> = {
  relu: { shapes: { input: [3, 7] }, roundings: 0, run: ({ input }) => ops.relu(input!) },
  'relu, four at a time': { shapes: { input: [4, 8] }, roundings: 0, run: ({ input }) => ops.relu(input!) },
  'add, odd size': { shapes: { a: [3, 5], b: [3, 5] }, roundings: 1, run: ({ a, b }) => ops.add(a!, b!) },
  'mul and sub': { shapes: { a: [4, 6], b: [4, 6] }, roundings: 3, run: ({ a, b }) => ops.sub(ops.mul(a!, b!), a!) },
  'a number added': { shapes: { a: [9] }, roundings: 1, run: ({ a }) => ops.add(a!, 0.3) },
  'max pool': {
    shapes: { input: [2, 5, 7, 3] },
    roundings: 1,
    run: ({ input }) => ops.maxPool2d(input!, { kernelSize: 3, stride: 2, padding: 1 }),
  },
  'max pool of a relu, windows apart': {
    shapes: { input: [2, 6, 8, 4] },
    roundings: 0,
    run: ({ input }) => ops.maxPool2d(input!, { kernelSize: 2, relu: true }),
  },
  'max pool of a relu, overlapping windows': {
    shapes: { input: [2, 6, 8, 3] },
    roundings: 1,
    run: ({ input }) => ops.maxPool2d(input!, { kernelSize: 3, stride: 2, relu: true }),
  },
  'average pool': {
    shapes: { input: [2, 6, 6, 4] },
    roundings: 1,
    run: ({ input }) => ops.avgPool2d(input!, { kernelSize: 2 }),
  },
  'adaptive average pool': {
    shapes: { input: [2, 5, 7, 3] },
    roundings: 1,
    run: ({ input }) => ops.adaptiveAvgPool2d(input!, [2, 3]),
  },
  flatten: { shapes: { input: [3, 5, 7, 9] }, roundings: 0, run: ({ input }) => ops.flatten(input!) },
  'flatten, large': { shapes: { input: [2, 16, 16, 32] }, roundings: 0, run: ({ input }) => ops.flatten(input!) },
  'reshape and meeting gradients': {
    shapes: { input: [6, 5] },
    roundings: 2,
    run: ({ input }) => ops.add(ops.reshape(input!, [30]), ops.reshape(ops.relu(input!), [30])),
  },
  linear: {
    shapes: { input: [5, 13], weight: [7, 13], bias: [7] },
    parameters: ['weight', 'bias'],
    roundings: 2,
    run: ({ input, weight, bias }) => ops.linear(input!, weight!, bias),
  },
  'linear with relu, deep': {
    shapes: { input: [8, 2048], weight: [12, 2048], bias: [12] },
    parameters: ['weight', 'bias'],
    roundings: 2,
    run: ({ input, weight, bias }) => ops.linear(input!, weight!, bias, { relu: true }),
  },
  'batch norm in training': norm('training', false, false),
  'batch norm in training, relu': norm('training', true, false),
  'batch norm in training, residual and relu': norm('training', true, true),
  'batch norm in evaluation, residual and relu': norm('evaluation', true, true),
  'conv2d 3x3': conv([2, 9, 8, 8], [3, 3, 8, 12], { padding: 1 }),
  'conv2d 3x3, odd channels': conv([2, 7, 5, 3], [3, 3, 3, 5], { padding: 1 }),
  'conv2d with a stride': conv([2, 9, 9, 4], [3, 3, 4, 8], { padding: 1, stride: 2 }),
  'conv2d 1x1': conv([2, 5, 5, 8], [1, 1, 8, 4], {}),
  'conv2d with groups and dilation': conv([1, 9, 9, 6], [3, 3, 3, 4], { groups: 2, dilation: 2 }),
  'conv2d 3x3 of many channels': conv([4, 14, 14, 32], [3, 3, 32, 32], { padding: 1 }),
}

// in windows of 64 KiB, which begin and end elsewhere for f16 than for f32
const larger: Readonly<Record<string, HalfComparison>> = {
  relu: { shapes: { input: [40_002] }, roundings: 0, run: ({ input }) => ops.relu(input!) },
  add: { shapes: { a: [50_000], b: [50_000] }, roundings: 1, run: ({ a, b }) => ops.add(a!, b!) },
  flatten: { shapes: { input: [2, 31, 29, 25] }, roundings: 0, run: ({ input }) => ops.flatten(input!) },
  'max pool': {
    shapes: { input: [9, 30, 30, 8] },
    roundings: 1,
    run: ({ input }) => ops.maxPool2d(input!, { kernelSize: 2 }),
  },
  'batch norm': norm('training', true, true, [9, 33, 31, 5]),
  conv2d: conv([9, 30, 31, 5], [3, 3, 5, 6], { padding: 1, stride: 2 }),
  linear: {
    shapes: { input: [70, 500], weight: [90, 500], bias: [90] },
    parameters: ['weight', 'bias'],
    roundings: 2,
    run: ({ input, weight, bias }) => ops.linear(input!, weight!, bias),
  },
}

function conv(input: readonly number[], weight: readonly number[], options: ops.Conv2dOptions): HalfComparison {
  const bias = [weight.at(-1)!]
  return {
    shapes: { input, weight, bias },
    parameters: ['weight', 'bias'],
    roundings: 2,
    run: ({ input, weight, bias }) => ops.conv2d(input!, weight!, bias, options),
  }
}

describe.runIf(hasHalf)('f16 gives what f32 does, rounded (needs shader-f16)', () => {
  describe.each(Object.entries({ 'the default device': holder, 'kernels for GPUs': gpuKernels }))(
    '%s',
    (_name, device) => {
      test.each(Object.entries(comparisons))('%s', async (_case, comparison) => {
        await compareHalf(device.engine, comparison)
      })
    },
  )

  test('products without subgroups', async () => {
    for (const name of ['linear', 'conv2d 3x3, odd channels', 'conv2d 1x1']) {
      await compareHalf(registers.engine, comparisons[name]!)
    }
  })

  test.each(Object.entries(larger))('%s, larger than a binding', async (_case, comparison) => {
    await compareHalf(tiny.engine, comparison)
  })

  test('a convolution with its epilogue', async () => {
    const shape = [2, 6, 6, 8]
    await compareHalf(holder.engine, {
      shapes: { input: [2, 6, 6, 4], weight: [3, 3, 4, 8], residual: shape },
      parameters: ['weight'],
      roundings: 2,
      run: ({ input, weight, residual }) => {
        const constant = (value: number) => input!.engine.full([8], value)
        const normalization = {
          weight: constant(0.5),
          bias: constant(0.1),
          runningMean: constant(0.2),
          runningVar: constant(2),
        }
        return ops.conv2d(input!, weight!, undefined, { padding: 1, normalization, residual, relu: true })
      },
    })
  })

  test('dropout drops the same elements', async () => {
    const { engine } = holder
    const run = async (dtype: 'f32' | 'f16') => {
      engine.manualSeed(3)
      return [...(await ops.dropout(engine.full([101], 1, dtype), { p: 0.5 }).toArray())]
    }
    const values = await run('f16')
    expect(values).toEqual(await run('f32'))
    expect(new Set(values)).toEqual(new Set([0, 2]))
  })

  test('cross-entropy is of f32, and its gradient f16', () => {
    const { engine } = holder
    const logits = engine.tensor(testValues(12), [4, 3], { dtype: 'f16', requiresGrad: true })
    const loss = ops.crossEntropy(logits, engine.tensor(new Int32Array([0, 1, 2, 0])))
    expect(loss.dtype).toBe('f32')
    loss.backward()
    expect(logits.grad!.dtype).toBe('f16')
  })

  test('the same input gives the same bits', async () => {
    const { engine } = holder
    const run = () =>
      ops.conv2d(
        engine.tensor(testValues(2 * 8 * 8 * 16), [2, 8, 8, 16], { dtype: 'f16' }),
        engine.tensor(testValues(9 * 16 * 16, 2), [3, 3, 16, 16]),
        undefined,
        { padding: 1 },
      )
    expect(await run().toArray()).toEqual(await run().toArray())
  })

  test('a weight that changes is read anew', async () => {
    const { engine } = holder
    const input = engine.full([1, 4], 1, 'f16')
    const weight = engine.ones([1, 4])
    expect(await ops.linear(input, weight).item()).toBe(4)
    expect(await ops.linear(input, weight).item()).toBe(4)
    weight.set([2, 2, 2, 2])
    expect(await ops.linear(input, weight).item()).toBe(8)
  })
})

describe.runIf(hasHalf)('f16 tensors (needs shader-f16)', () => {
  test('hold 11 bits, infinity beyond 65504, and nothing below 2^-25', async () => {
    const { engine } = holder
    const values = [0, -0.5, 1 / 3, 2049, 65504, 65505, 70000, -1e9, 2 ** -24, 2 ** -26, Infinity]
    const expected = [0, -0.5, 0.333251953125, 2048, 65504, 65504, Infinity, -Infinity, 2 ** -24, 0, Infinity]
    expect([...(await engine.tensor(values, undefined, { dtype: 'f16' }).toArray())]).toEqual(expected)
    expect([...(await ops.cast(engine.tensor([NaN, 1]), 'f16').toArray())]).toEqual([NaN, 1])
  })

  test('take half the memory, rounded up to four bytes', () => {
    const { engine } = holder
    expect(engine.empty([7], 'f16').buffer.byteLength).toBe(16)
    expect(engine.empty([7]).buffer.byteLength).toBe(28)
  })

  test.each([1, 2, 3, 4, 5, 255, 257])('%i elements go to the GPU and back, in and out of f32', async (size) => {
    const { engine } = holder
    const values = Float32Array.from({ length: size }, (_, i) => i)
    const half = engine.tensor(values, undefined, { dtype: 'f16' })
    expect(await half.toArray()).toEqual(values)
    expect(await ops.cast(half, 'f32').toArray()).toEqual(values)
    expect([...(await ops.cast(half, 'i32').toArray())]).toEqual([...values])
    expect([...(await half.set(values.map((value) => -value)).toArray())]).toEqual([...values].map((value) => -value))
  })

  test('casts pass gradients in the type of the input', async () => {
    const { engine } = holder
    const input = engine.tensor([1, 2, 3], undefined, { requiresGrad: true })
    const half = ops.cast(input, 'f16')
    ops.cast(ops.mul(half, 2), 'f32').backward({ gradient: engine.tensor([1, 10, 100]) })
    expect(input.grad!.dtype).toBe('f32')
    expect([...(await input.grad!.toArray())]).toEqual([2, 20, 200])
  })

  test('are refused by name where an operation does not take them', () => {
    const { engine } = holder
    const half = engine.full([2, 2], 1, 'f16')
    const refused: Record<string, () => Tensor> = {
      softmax: () => ops.softmax(half),
      sum: () => ops.sum(half),
      argmax: () => ops.argmax(half),
      matmul: () => ops.matmul(half, half),
      pad: () => ops.pad(half, { padding: [[1, 1], [0, 0]] }), // prettier-ignore
      concat: () => ops.concat([half, half]),
      gather: () => ops.gather(half, engine.tensor(new Int32Array([0]))),
      countNonFinite: () => ops.countNonFinite(half),
      add: () => ops.add(half, engine.ones([2, 2])),
      linear: () => ops.linear(engine.ones([2, 2]), half),
    }
    for (const [name, run] of Object.entries(refused)) {
      expect(run, name).toThrow(ShapeError)
      expect(run, name).toThrow(new RegExp(`^${name}: .*f16`))
    }
    expect(() => ops.add(half, engine.full([2], 1, 'f16'))).toThrow('add: expected b like a, Tensor(f16[2, 2])')
    const residual = engine.ones([1, 2, 2, 1])
    const run = () =>
      ops.conv2d(engine.full([1, 2, 2, 1], 1, 'f16'), engine.ones([1, 1, 1, 1]), undefined, { residual })
    expect(run).toThrow('conv2d: expected a residual as f16 [1, 2, 2, 1], got f32')
    expect(() => half.backward({ gradient: engine.ones([2, 2]) })).toThrow('does not depend on')
  })

  test('are refused by kernels that do not take them', () => {
    const { engine } = holder
    const [input, output] = [engine.full([4], 1, 'f16').buffer, engine.empty([4]).buffer]
    expect(() => {
      softmaxForward(engine.device, { input, output }, { outer: 1, extent: 4, inner: 1, logarithm: false })
    }).toThrow(new KernelError('softmax/forward', 'f16 is not supported for "input"'))
  })
})

test.skipIf(hasHalf)('without shader-f16, f16 is refused', () => {
  expect(() => holder.engine.empty([2], 'f16')).toThrow(OptionError)
  expect(() => ops.cast(holder.engine.ones([2]), 'f16')).toThrow(/f32, as .* has no shader-f16, got "f16"/)
})
