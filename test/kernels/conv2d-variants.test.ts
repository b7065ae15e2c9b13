/** Every variant of a convolution and of its gradients, over all classes of shapes, gives the numbers of the direct one. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { conv2dForward } from '../../src/kernels/conv2d/forward.js'
import { type Conv2dGeometry, outputLength } from '../../src/kernels/conv2d/geometry.js'
import { conv2dInputGradient } from '../../src/kernels/conv2d/input-gradient.js'
import { type Conv2dVariant, conv2dVariants, conv2dVariantsFor } from '../../src/kernels/conv2d/variants.js'
import { conv2dWeightGradient } from '../../src/kernels/conv2d/weight-gradient.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels, useEngineWithoutSubgroups } from '../support/gpu-kernels.js'

const devices = {
  'the default device': useEngine(),
  'kernels for GPUs': useEngineWithGpuKernels(),
  'without subgroups': useEngineWithoutSubgroups(),
  'bindings of 64 KiB': useEngine({ requiredLimits: tinyLimits }),
  'kernels for GPUs, bindings of 64 KiB': useEngineWithGpuKernels({ requiredLimits: tinyLimits }),
}

/**
 * The transforms of F(4x4, 3x3) multiply rounding errors by a few tens, as their coefficients reach 8 and are added with both
 * signs (Lavin and Gray, 2015, measure the same); those of F(2x2, 3x3) by two or three.
 */
const tolerances: Readonly<Record<Conv2dVariant, number>> = { direct: 0, 'winograd-2': 5e-6, 'winograd-4': 4e-5 }

function geometryOf(
  batch: number,
  size: readonly [number, number],
  inputChannels: number,
  outputChannels: number,
  padding: readonly [number, number] = [1, 1],
): Conv2dGeometry {
  const lengthOf = (side: 0 | 1) => outputLength(size[side], 3, 1, padding[side], 1)
  return {
    batch,
    inputSize: size,
    inputChannels,
    outputSize: [lengthOf(0), lengthOf(1)],
    outputChannels,
    kernelSize: [3, 3],
    stride: [1, 1],
    padding,
    dilation: [1, 1],
    groups: 1,
  }
}

const shapes: Record<string, Conv2dGeometry> = {
  'whole tiles': geometryOf(2, [8, 8], 8, 12),
  'cut tiles': geometryOf(2, [7, 9], 5, 3),
  'one pixel': geometryOf(3, [1, 1], 4, 6),
  'a row of pixels': geometryOf(1, [1, 13], 3, 4),
  'more channels than a tile': geometryOf(1, [6, 6], 34, 40),
  'no padding': geometryOf(2, [8, 6], 4, 4, [0, 0]),
  'other padding on each side': geometryOf(2, [5, 6], 4, 8, [2, 0]),
  'several windows of images': geometryOf(7, [12, 13], 6, 9),
}

/** Output and gradients by one variant. */
async function results(engine: Engine, geometry: Conv2dGeometry, variant: Conv2dVariant) {
  const { device } = engine
  const { batch, inputSize, outputSize, inputChannels, outputChannels } = geometry
  const inputShape = [batch, ...inputSize, inputChannels]
  const outputShape = [batch, ...outputSize, outputChannels]
  const weightShape = [3, 3, inputChannels, outputChannels]
  const filled = (shape: readonly number[], seed: number) =>
    engine.tensor(
      testValues(
        shape.reduce((a, b) => a * b),
        seed,
      ),
      shape,
    )
  const [input, weight, outputGradient] = [filled(inputShape, 1), filled(weightShape, 2), filled(outputShape, 3)]
  const [output, inputGradient, weightGradient] = [outputShape, inputShape, weightShape].map((shape) =>
    engine.full(shape, 1e9),
  )
  conv2dForward(device, { input: input.buffer, weight: weight.buffer, output: output!.buffer }, geometry, { variant })
  conv2dInputGradient(
    device,
    { outputGradient: outputGradient.buffer, weight: weight.buffer, inputGradient: inputGradient!.buffer },
    geometry,
    { variant },
  )
  conv2dWeightGradient(
    device,
    { input: input.buffer, outputGradient: outputGradient.buffer, weightGradient: weightGradient!.buffer },
    geometry,
    { variant },
  )
  return {
    output: await output!.toArray(),
    'input gradient': await inputGradient!.toArray(),
    'weight gradient': await weightGradient!.toArray(),
  }
}

describe.each(Object.entries(devices))('%s', (_name, device) => {
  test.each(Object.entries(shapes))('%s', async (_name, geometry) => {
    const expected = await results(device.engine, geometry, 'direct')
    for (const variant of conv2dVariants) {
      const actual = await results(device.engine, geometry, variant)
      for (const [name, values] of Object.entries(expected)) {
        expectClose(actual[name as keyof typeof actual], values, tolerances[variant], `${variant}: ${name}`)
      }
    }
  })
})

test('which variants there are', () => {
  const { device } = devices['the default device'].engine
  const fits = geometryOf(1, [8, 8], 4, 4)
  expect(conv2dVariantsFor(device, 'forward', fits)).toEqual(conv2dVariants)
  for (const [changed, operation] of [
    [{ stride: [2, 1] }, 'forward'],
    [{ dilation: [1, 2] }, 'weight-gradient'],
    [{ groups: 2 }, 'forward'],
    [{ kernelSize: [1, 3] }, 'forward'],
    [{ padding: [3, 0] }, 'input-gradient'],
  ] as const) {
    expect(conv2dVariantsFor(device, operation, { ...fits, ...changed })).toEqual(['direct'])
  }
  // 36 transformed elements of 22 x 21 weights are more than 64 KiB, 16 are not
  const { engine } = devices['bindings of 64 KiB']
  expect(conv2dVariantsFor(engine.device, 'forward', geometryOf(1, [4, 4], 22, 21))).toEqual(['direct', 'winograd-2'])
})

describe('a packed weight', () => {
  const geometry = geometryOf(1, [4, 4], 2, 2)

  test('is made anew when the weight has changed, and goes with it', async () => {
    const { engine } = devices['the default device']
    const { inUse } = engine.memory()
    const [input, output] = [engine.ones([1, 4, 4, 2]), engine.empty([1, 4, 4, 2])]
    const weight = engine.ones([3, 3, 2, 2])
    const before = engine.memory().inUse
    const centre = async (options: { keepPacked?: boolean }) => {
      const buffers = { input: input.buffer, weight: weight.buffer, output: output.buffer }
      conv2dForward(engine.device, buffers, geometry, { variant: 'winograd-2', ...options })
      return (await output.toArray())[10]
    }
    expect(await centre({})).toBe(18)
    expect(engine.memory().inUse).toBe(before)
    expect(await centre({ keepPacked: true })).toBe(18)
    const kept = engine.memory().inUse
    expect(kept).toBeGreaterThan(before)
    weight.set(new Float32Array(36).fill(2))
    expect(await centre({ keepPacked: true })).toBe(36)
    expect(await centre({ keepPacked: true })).toBe(36)
    expect(engine.memory().inUse).toBe(kept)
    for (const tensor of [input, output, weight]) tensor.handle.release('the test')
    expect(engine.memory().inUse).toBe(inUse)
  })
})
