/** The epilogue of products and convolutions: the same numbers as passes of their own would compute. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { sizeOf } from '../../src/autograd/shape.js'
import { conv2dForward } from '../../src/kernels/conv2d/forward.js'
import { type Conv2dGeometry, outputLength } from '../../src/kernels/conv2d/geometry.js'
import type { Epilogue } from '../../src/kernels/matmul/epilogue.js'
import { matmul } from '../../src/kernels/matmul/matmul.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { useEngineWithGpuKernels, useEngineWithoutSubgroups } from '../support/gpu-kernels.js'

const devices = {
  'the default device': useEngine(),
  'kernels for GPUs': useEngineWithGpuKernels(),
  'without subgroups': useEngineWithoutSubgroups(),
  'bindings of 64 KiB': useEngine({ requiredLimits: tinyLimits }),
}

type Part = keyof Epilogue
const everything: Part[] = ['scale', 'bias', 'residual', 'relu']

/** Runs a kernel with the given parts of an epilogue and compares it with the same kernel without. */
async function checkEpilogue(
  engine: Engine,
  parts: readonly Part[],
  outputShape: readonly number[],
  run: (output: ReturnType<Engine['empty']>, epilogue: Epilogue) => void,
): Promise<void> {
  const channels = outputShape.at(-1)!
  const given = {
    scale: testValues(channels, 11),
    bias: testValues(channels, 12),
    residual: testValues(sizeOf(outputShape), 13),
  }
  const tensorOf = (part: keyof typeof given) => (parts.includes(part) ? engine.tensor(given[part]).buffer : undefined)
  const [plain, finished] = [engine.empty(outputShape), engine.empty(outputShape)]
  run(plain, {})
  const relu = parts.includes('relu')
  run(finished, { scale: tensorOf('scale'), bias: tensorOf('bias'), residual: tensorOf('residual'), relu })
  const expected = Float32Array.from(await plain.toArray(), (value, i) => {
    const scaled = parts.includes('scale') ? Math.fround(value * given.scale[i % channels]!) : value
    const shifted = parts.includes('bias') ? Math.fround(scaled + given.bias[i % channels]!) : scaled
    const sum = parts.includes('residual') ? shifted + given.residual[i]! : shifted
    return relu ? Math.max(sum, 0) : sum
  })
  // a multiplication and two additions, which the compiler may fuse
  expectClose(await finished.toArray(), expected, 5e-7, parts.join(', '))
}

function geometryOf(shape: Partial<Conv2dGeometry> & Pick<Conv2dGeometry, 'inputSize' | 'inputChannels'>) {
  const geometry = {
    batch: 2,
    outputChannels: 18,
    kernelSize: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
    dilation: [1, 1],
    groups: 1,
    ...shape,
  } as const
  const lengthOf = (side: 0 | 1) =>
    outputLength(
      geometry.inputSize[side],
      geometry.kernelSize[side],
      geometry.stride[side],
      geometry.padding[side],
      geometry.dilation[side],
    )
  return { ...geometry, outputSize: [lengthOf(0), lengthOf(1)] as const }
}

async function checkConvolution(engine: Engine, parts: readonly Part[], geometry: Conv2dGeometry): Promise<void> {
  const { batch, inputSize, outputSize, inputChannels, outputChannels, kernelSize, groups } = geometry
  const input = engine.tensor(testValues(batch * inputSize[0] * inputSize[1] * inputChannels, 1))
  const weight = engine.tensor(testValues((kernelSize[0] * kernelSize[1] * inputChannels * outputChannels) / groups, 2))
  await checkEpilogue(engine, parts, [batch, ...outputSize, outputChannels], (output, epilogue) => {
    const buffers = { input: input.buffer, weight: weight.buffer, output: output.buffer }
    conv2dForward(engine.device, buffers, geometry, { epilogue })
  })
}

test.each(everything)('%s alone', async (part) => {
  await checkConvolution(
    devices['the default device'].engine,
    [part],
    geometryOf({ inputSize: [9, 7], inputChannels: 5 }),
  )
})

describe.each(Object.entries(devices))('%s', (_name, device) => {
  test.each([
    ['3x3', geometryOf({ inputSize: [9, 7], inputChannels: 5 })],
    ['a split depth', geometryOf({ batch: 1, inputSize: [3, 3], inputChannels: 256, outputChannels: 6 })],
    ['1x1', geometryOf({ inputSize: [9, 7], inputChannels: 5, kernelSize: [1, 1], padding: [0, 0] })],
    ['groups', geometryOf({ inputSize: [6, 6], inputChannels: 6, groups: 3 })],
    ['several windows', geometryOf({ batch: 9, inputSize: [16, 16], inputChannels: 4 })],
  ])('convolution: %s', async (_name, geometry) => {
    await checkConvolution(device.engine, everything, geometry)
  })

  test.each([
    ['one window', 33, 20, 70],
    ['windows of columns', 3, 1100, 40],
    ['windows of the depth', 5, 8, 4096],
  ])('product: %s', async (_name, rows, columns, depth) => {
    const { engine } = device
    const left = engine.tensor(testValues(rows * depth, 1))
    const right = engine.tensor(testValues(depth * columns, 2))
    for (const transposeRight of [false, true]) {
      await checkEpilogue(engine, everything, [rows, columns], (output, epilogue) => {
        const buffers = { left: left.buffer, right: right.buffer, output: output.buffer }
        matmul(engine.device, { ...buffers, rows, columns, depth, transposeRight, epilogue })
      })
    }
  })
})

test('relu keeps NaN', async () => {
  const { engine } = devices['the default device']
  const [left, right] = [engine.tensor([NaN, -1, 2]), engine.tensor([1])]
  const output = engine.empty([3])
  const buffers = { left: left.buffer, right: right.buffer, output: output.buffer }
  matmul(engine.device, { ...buffers, rows: 3, columns: 1, depth: 1, epilogue: { relu: true } })
  expect([...(await output.toArray())]).toEqual([NaN, 0, 2])
})
