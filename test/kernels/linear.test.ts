import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { linear } from '../../src/autograd/ops/linear.js'
import { ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels } from '../support/gpu-kernels.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const gpuKernels = useEngineWithGpuKernels()
const tiny = useEngine({ requiredLimits: tinyLimits })

// As for matmul: sums of up to 1025 products.
const tolerance = 5e-6

describe.each(Object.entries({ 'the default device': holder, 'kernels for GPUs': gpuKernels }))(
  '%s',
  (_name, device) => {
    goldenSuite(device, 'linear', { run: ({ input, weight, bias }) => linear(input!, weight!, bias), tolerance })

    test('gradients equal finite differences', async () => {
      const run = ({ input, weight, bias }: Parameters<Parameters<typeof checkGradients>[1]>[0]) =>
        linear(input!, weight!, bias)
      await checkGradients(device.engine, run, { input: [5, 7], weight: [3, 7], bias: [3] })
      await checkGradients(device.engine, run, { input: [2, 3, 7], weight: [4, 7] })
      await checkGradients(device.engine, run, { input: [7], weight: [4, 7], bias: [4] })
    })
  },
)

/** Output and gradients of a layer whose operands are all larger than 64 KiB where `rows` is large. */
async function results(engine: Engine, rows: number, inputs: number, outputs: number): Promise<Float32Array[]> {
  const input = engine.tensor(testValues(rows * inputs, 1), [rows, inputs], { requiresGrad: true })
  const weight = engine.tensor(testValues(outputs * inputs, 2), [outputs, inputs], { requiresGrad: true })
  const bias = engine.tensor(testValues(outputs, 3), [outputs], { requiresGrad: true })
  const output = linear(input, weight, bias)
  const values = await output.toArray()
  output.backward({ gradient: engine.tensor(testValues(rows * outputs, 4), [rows, outputs]) })
  const gradients = await Promise.all([input, weight, bias].map((tensor) => tensor.grad!.toArray()))
  return [values, ...gradients] as Float32Array[]
}

test.each([
  [3, 211, 157],
  [130, 129, 10],
  [131, 137, 139],
])('operands larger than a binding give the same values: %d x %d to %d', async (rows, inputs, outputs) => {
  const whole = await results(holder.engine, rows, inputs, outputs)
  const windows = await results(tiny.engine, rows, inputs, outputs)
  for (const [i, name] of ['output', 'input', 'weight', 'bias'].entries()) {
    expectClose(windows[i]!, whole[i]!, tolerance, name)
  }
})

test('two runs give equal bits', async () => {
  expect(await results(holder.engine, 5, 600, 7)).toEqual(await results(holder.engine, 5, 600, 7))
})

test('frozen weights get no gradient', () => {
  const { engine } = holder
  const input = engine.tensor(testValues(6), [2, 3], { requiresGrad: true })
  const [weight, bias] = [engine.ones([4, 3]), engine.ones([4])]
  linear(input, weight, bias).backward({ gradient: engine.ones([2, 4]) })
  expect(input.grad?.shape).toEqual([2, 3])
  expect([weight.grad, bias.grad]).toEqual([undefined, undefined])
})

test('shapes that do not fit', () => {
  const { engine } = holder
  const zeros = (...shape: number[]) => engine.zeros(shape)
  expect(() => linear(zeros(2, 3), zeros(3, 4))).toThrow(ShapeError)
  expect(() => linear(zeros(2, 3), zeros(3, 4))).toThrow(
    'linear: expected input [..., 4] for weight [3, 4], got [2, 3]',
  )
  expect(() => linear(zeros(2, 3), zeros(4, 3), zeros(3))).toThrow('linear: expected bias as f32 [4], got f32 [3]')
  expect(() => linear(zeros(2, 3), zeros(3))).toThrow(/weight \[out, in\]/)
  expect(() => linear(engine.tensor(new Int32Array(6), [2, 3]), zeros(4, 3))).toThrow(/input of type f32/)
})
