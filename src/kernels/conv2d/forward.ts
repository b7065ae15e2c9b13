/** 2-D convolution of images. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/conv2d/forward.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import { completeBindings, type Epilogue, epilogueBindings } from '../matmul/epilogue.js'
import { withHalfForm } from '../half.js'
import { innerProduct, innerProductUniforms } from '../matmul/inner-product.js'
import { matmul } from '../matmul/matmul.js'
import { offsetRange } from '../offset-windows.js'
import {
  areFours,
  type Conv2dGeometry,
  geometryUniforms,
  geometryValues,
  imageSizes,
  imageWindows,
  isPointwise,
  weightSize,
} from './geometry.js'
import { type Conv2dMethod, winogradProblem, withPackedWeight } from './variants.js'
import { winogradForward } from './winograd/index.js'

const kernel = defineKernel({
  name: 'conv2d/forward',
  source,
  bindings: {
    input: readFloats('leftVectors'),
    weight: readFloats('rightVectors'),
    ...epilogueBindings,
    output: writeFloats('vectors'),
  },
  uniforms: { ...innerProductUniforms, ...geometryUniforms, inputOffset: 'u32' },
})

export interface Conv2dForwardBuffers {
  readonly input: DeviceBuffer
  readonly weight: DeviceBuffer
  readonly output: DeviceBuffer
}

export interface Conv2dForwardOptions extends Conv2dMethod {
  /** Its scale and bias are [outputChannels]. */
  readonly epilogue?: Epilogue
  /** See `PackedWeight`. */
  readonly keepPacked?: boolean
}

/** output = convolution of input and weight, and what the epilogue adds. Images may be f16; their weight is f32 all the same. */
export function conv2dForward(
  device: Device,
  buffers: Conv2dForwardBuffers,
  geometry: Conv2dGeometry,
  { epilogue = {}, variant = 'direct', product, keepPacked = false }: Conv2dForwardOptions = {},
): void {
  const problem = winogradProblem(device, 'forward', geometry, variant)
  if (problem) {
    withPackedWeight(device, { weight: buffers.weight, keepPacked }, problem, false, (kernel) => {
      winogradForward(device, { ...buffers, kernel }, problem.geometry, problem.tiling, product, epilogue)
    })
    return
  }
  const { inputChannels, outputChannels, kernelSize, groups } = geometry
  const { input, weight, output } = buffers
  if (input.half && !weight.half) {
    withHalfForm(device, { source: weight, size: weightSize(geometry), keep: keepPacked }, (half) => {
      conv2dForward(device, { ...buffers, weight: half }, geometry, { epilogue, product })
    })
    return
  }
  const sizes = imageSizes(geometry)
  const pixels = geometry.outputSize[0] * geometry.outputSize[1]
  if (isPointwise(geometry)) {
    const rows = geometry.batch * pixels
    matmul(device, {
      left: input,
      right: weight,
      output,
      epilogue,
      rows,
      columns: outputChannels,
      depth: inputChannels,
      variant: product,
    })
    return
  }
  const kernelRows = hasKernelRows(geometry)
  const taps = kernelRows
    ? { segments: kernelSize[0], segmentsInRow: 1, segmentLength: kernelSize[1] * inputChannels }
    : {
        segments: kernelSize[0] * kernelSize[1],
        segmentsInRow: kernelSize[1],
        segmentLength: inputChannels / groups,
      }
  for (const window of imageWindows(device, kernel.name, geometry)) {
    const inputRange = offsetRange(device, input, window.start * sizes.input, window.count * sizes.input)
    innerProduct(
      device,
      {
        batches: groups,
        rows: window.count * pixels,
        columns: outputChannels / groups,
        ...taps,
      },
      {
        leftAlongDepth: true,
        rightAlongDepth: false,
        leftInFours: !kernelRows && areFours(inputChannels / groups, inputRange.offset),
        rightInFours: areFours(outputChannels / groups),
        segmented: true,
      },
      {
        buffer: output,
        start: window.start * sizes.output,
        extent: window.count * sizes.output,
        batchStride: outputChannels / groups,
        rowStride: outputChannels,
        accumulate: false,
        epilogue,
        columns: { start: 0, count: outputChannels },
      },
      product,
      (dispatch) =>
        kernel.dispatch(device, {
          ...dispatch,
          template: { ...dispatch.template, kernelRows },
          bindings: {
            input: inputRange.range,
            weight,
            ...completeBindings(dispatch.epilogue, weight),
            output: dispatch.output,
          },
          uniforms: { ...dispatch.uniforms, ...geometryValues(geometry), inputOffset: inputRange.offset },
        }),
    )
  }
}

/** Up to so many input channels, a segment of the depth for each tap is too short for what it costs. */
const fewChannels = 4

/** Whether the taps of a row of the kernel are neighbours in memory that are taken together: in a network's first layer. */
function hasKernelRows({ inputChannels, kernelSize, dilation, groups }: Conv2dGeometry): boolean {
  return groups === 1 && inputChannels <= fewChannels && kernelSize[1] > 1 && dilation[1] === 1
}
