import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { conv2d, type Conv2dOptions } from '../../src/autograd/ops/conv2d.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { expectClose, testValues } from '../support/compare.js'
import { convolutionGradients, convolve, convolvedShape } from '../support/convolve.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels, useEngineWithoutSubgroups } from '../support/gpu-kernels.js'
import { checkGradients, goldenSuite, type TensorsByName } from '../support/op-suite.js'

const holder = useEngine()
const gpuKernels = useEngineWithGpuKernels()
const registers = useEngineWithoutSubgroups()
const tiny = useEngine({ requiredLimits: tinyLimits })
const tinyGpuKernels = useEngineWithGpuKernels({ requiredLimits: tinyLimits })

// A result is a sum of up to 1152 products (9 taps of 128 channels), added one after the other: the error is at most
// 1152 * 2^-24 = 7e-5 of the sum of magnitudes; as errors of both signs cancel, a tenth of that is generous.
const tolerance = 5e-6

const run = ({ input, weight, bias }: TensorsByName, options?: Conv2dOptions) => conv2d(input!, weight!, bias, options)

const variants = { 'the default device': holder, 'kernels for GPUs': gpuKernels, 'without subgroups': registers }
describe.each(Object.entries(variants))('%s', (_name, device) => {
  goldenSuite(device, 'conv2d', { run, tolerance })
})

describe('gradients equal finite differences', () => {
  test.each<[string, Record<string, number[]>, Conv2dOptions]>([
    ['3x3', { input: [2, 5, 4, 3], weight: [3, 3, 3, 2], bias: [2] }, { padding: 1 }],
    ['1x1', { input: [2, 3, 4, 3], weight: [1, 1, 3, 5], bias: [5] }, {}],
    ['stride 2', { input: [1, 6, 7, 2], weight: [3, 2, 2, 3] }, { stride: 2, padding: [1, 0] }],
    ['dilation', { input: [1, 7, 8, 2], weight: [3, 3, 2, 2] }, { padding: 2, dilation: [2, 3] }],
    ['groups', { input: [1, 4, 5, 6], weight: [2, 3, 2, 9], bias: [9] }, { groups: 3, stride: [2, 1] }],
  ])('%s', async (_name, shapes, options) => {
    for (const { engine } of [holder, gpuKernels, registers]) {
      await checkGradients(engine, (inputs) => run(inputs, options), shapes)
    }
  })
})

test('any geometry', async () => {
  const small = (min: number, max: number) => fc.integer({ min, max })
  const pair = (min: number, max: number) => fc.tuple(small(min, max), small(min, max))
  const geometry = fc.record({
    batch: small(1, 3),
    size: pair(1, 9),
    groups: small(1, 3),
    groupInputs: small(1, 4),
    groupOutputs: small(1, 5),
    kernel: pair(1, 4),
    stride: pair(1, 3),
    padding: pair(0, 3),
    dilation: pair(1, 3),
  })
  await fc.assert(
    fc.asyncProperty(geometry, async ({ batch, size, groups, groupInputs, groupOutputs, kernel, ...options }) => {
      fc.pre(size.every((length, i) => length + 2 * options.padding[i]! > options.dilation[i]! * (kernel[i]! - 1)))
      const sizes = {
        input: [batch, ...size, groups * groupInputs] as const,
        weight: [...kernel, groupInputs, groups * groupOutputs] as const,
        ...options,
      }
      const shape = convolvedShape(sizes)
      const [input, weight, gradient] = [sizes.input, sizes.weight, shape].map((dimensions, i) =>
        testValues(
          dimensions.reduce((a, b) => a * b),
          i + 1,
        ),
      ) as [Float32Array, Float32Array, Float32Array]
      const output = convolve(input, weight, sizes)
      const gradients = convolutionGradients(input, weight, gradient, sizes)
      for (const { engine } of [holder, gpuKernels, registers, tinyGpuKernels]) {
        const tensors = {
          input: engine.tensor(input, sizes.input, { requiresGrad: true }),
          weight: engine.tensor(weight, sizes.weight, { requiresGrad: true }),
        }
        const actual = conv2d(tensors.input, tensors.weight, undefined, { ...options, groups })
        expect(actual.shape).toEqual(shape)
        expectClose(await actual.toArray(), output, tolerance, JSON.stringify(options))
        actual.backward({ gradient: engine.tensor(gradient, shape) })
        expectClose(await tensors.input.grad!.toArray(), gradients.input, tolerance, `input, ${JSON.stringify(sizes)}`)
        expectClose(
          await tensors.weight.grad!.toArray(),
          gradients.weight,
          tolerance,
          `weight, ${JSON.stringify(sizes)}`,
        )
      }
    }),
    { numRuns: 40, seed: 5 },
  )
})

/** Output and gradients of a convolution. */
async function results(
  engine: Engine,
  shapes: { input: number[]; weight: number[] },
  options: Conv2dOptions,
): Promise<Record<string, Float32Array>> {
  const sizeOf = (shape: number[]) => shape.reduce((a, b) => a * b)
  const outputs = shapes.weight.at(-1)!
  const input = engine.tensor(testValues(sizeOf(shapes.input), 1), shapes.input, { requiresGrad: true })
  const weight = engine.tensor(testValues(sizeOf(shapes.weight), 2), shapes.weight, { requiresGrad: true })
  const bias = engine.tensor(testValues(outputs, 3), [outputs], { requiresGrad: true })
  const output = conv2d(input, weight, bias, options)
  const values = await output.toArray()
  output.backward({ gradient: engine.tensor(testValues(output.size, 4), output.shape) })
  const gradients = await Promise.all([input, weight, bias].map((tensor) => tensor.grad!.toArray()))
  return { output: values, input: gradients[0], weight: gradients[1], bias: gradients[2] } as Record<
    string,
    Float32Array
  >
}

describe('images larger than a binding of 64 KiB', () => {
  test.each<[string, { input: number[]; weight: number[] }, Conv2dOptions]>([
    ['3x3', { input: [7, 17, 16, 13], weight: [3, 3, 13, 9] }, { padding: 1 }],
    ['1x1', { input: [7, 17, 16, 13], weight: [1, 1, 13, 19] }, {}],
    ['stride 2, groups', { input: [9, 15, 16, 18], weight: [3, 3, 9, 6] }, { padding: 1, stride: 2, groups: 2 }],
  ])('%s', async (_name, shapes, options) => {
    const whole = await results(holder.engine, shapes, options)
    const windows = await results(tiny.engine, shapes, options)
    expect(windows.output).toEqual(whole.output) // every result lies in one window
    expect(windows.input).toEqual(whole.input)
    // sums over up to 1904 pixels, in another order
    expectClose(windows.weight!, whole.weight!, 1e-5, 'gradient of the weight')
    expectClose(windows.bias!, whole.bias!, 1e-5, 'gradient of the bias')
  })
})

test('two runs give equal bits, with the depth split among workgroups', async () => {
  const shapes = { input: [8, 14, 14, 4], weight: [3, 3, 4, 8] }
  for (const { engine } of [holder, gpuKernels, registers]) {
    expect(await results(engine, shapes, { padding: 1 })).toEqual(await results(engine, shapes, { padding: 1 }))
  }
})

test('values that are not finite reach the outputs that see them, and no others', async () => {
  for (const { engine } of [holder, gpuKernels, registers]) {
    const input = engine.tensor([1, NaN, 1, 1, Infinity, 1, 1], [1, 1, 7, 1])
    const output = conv2d(input, engine.ones([1, 3, 1, 1]), undefined, { padding: [0, 1] })
    expect([...(await output.toArray())]).toEqual([NaN, NaN, NaN, Infinity, Infinity, Infinity, 2])
  }
})

describe('bad input', () => {
  const zeros = (...shape: number[]) => holder.engine.zeros(shape)

  test('shapes that do not fit', () => {
    const input = zeros(1, 4, 4, 6)
    expect(() => conv2d(zeros(4, 4, 6), zeros(3, 3, 6, 2))).toThrow(/\[N, H, W, C\]/)
    expect(() => conv2d(input, zeros(3, 3, 6))).toThrow(/weight \[KH, KW, Cin \/ groups, Cout\]/)
    expect(() => conv2d(input, zeros(3, 3, 5, 2))).toThrow(ShapeError)
    expect(() => conv2d(input, zeros(3, 3, 5, 2))).toThrow(/weight \[KH, KW, 6, Cout\] for input \[1, 4, 4, 6\]/)
    expect(() => conv2d(input, zeros(3, 3, 6, 2), zeros(3))).toThrow('conv2d: expected bias as f32 [2], got f32 [3]')
    expect(() => conv2d(input, zeros(5, 3, 6, 2))).toThrow(/at least the kernel's size, 5 x 3/)
    expect(() => conv2d(input, zeros(3, 3, 6, 2), undefined, { dilation: 2 })).toThrow(ShapeError)
    expect(() => conv2d(input, zeros(3, 3, 3, 3), undefined, { groups: 2 })).toThrow(/2 groups divide/)
    expect(() => conv2d(input, zeros(3, 3, 6, 4), undefined, { groups: 4 })).toThrow(/4 groups divide/)
  })

  test('options that make no sense', () => {
    const convolve = (options: Conv2dOptions) => conv2d(zeros(1, 4, 4, 2), zeros(3, 3, 2, 2), undefined, options)
    expect(() => convolve({ stride: 0 })).toThrow(OptionError)
    expect(() => convolve({ stride: 1.5 })).toThrow(/conv2d: stride/)
    expect(() => convolve({ padding: -1 })).toThrow(/conv2d: padding/)
    expect(() => convolve({ dilation: [1, 0] })).toThrow(/conv2d: dilation/)
    expect(() => convolve({ groups: 0 })).toThrow(/conv2d: groups/)
  })
})
