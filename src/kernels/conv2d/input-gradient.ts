/** The gradient of a 2-D convolution with respect to its input. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/conv2d/input-gradient.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
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
  multiplyAddsOfImage,
  phasesOf,
  weightSize,
} from './geometry.js'
import { type Conv2dMethod, winogradProblem, withPackedWeight } from './variants.js'
import { winogradInputGradient } from './winograd/index.js'

const phaseUniforms = {
  kernelHeight: 'u32',
  phasesInColumn: 'u32',
  phasesInRow: 'u32',
  phaseHeight: 'u32',
  phaseWidth: 'u32',
} as const

const kernel = defineKernel({
  name: 'conv2d/input-gradient',
  source,
  bindings: {
    outputGradient: readFloats('leftVectors'),
    weight: readFloats('rightVectors'),
    output: writeFloats('vectors'),
  },
  uniforms: { ...innerProductUniforms, ...geometryUniforms, ...phaseUniforms, outputGradientOffset: 'u32' },
})

export interface Conv2dInputGradientBuffers {
  readonly outputGradient: DeviceBuffer
  readonly weight: DeviceBuffer
  readonly inputGradient: DeviceBuffer
}

export interface Conv2dInputGradientOptions extends Conv2dMethod {
  /** See `PackedWeight`. */
  readonly keepPacked?: boolean
}

export function conv2dInputGradient(
  device: Device,
  buffers: Conv2dInputGradientBuffers,
  geometry: Conv2dGeometry,
  { variant = 'direct', product, keepPacked = false }: Conv2dInputGradientOptions = {},
): void {
  const { outputGradient, weight, inputGradient } = buffers
  const problem = winogradProblem(device, 'input-gradient', geometry, variant)
  if (problem) {
    withPackedWeight(device, { weight, keepPacked }, problem, true, (kernel) => {
      winogradInputGradient(device, { ...buffers, kernel }, problem.geometry, problem.tiling, product)
    })
    return
  }
  if (outputGradient.half && !weight.half) {
    withHalfForm(device, { source: weight, size: weightSize(geometry), keep: keepPacked }, (half) => {
      conv2dInputGradient(device, { ...buffers, weight: half }, geometry, { product })
    })
    return
  }
  const { inputChannels, outputChannels, inputSize, stride, groups } = geometry
  const sizes = imageSizes(geometry)
  const pixels = inputSize[0] * inputSize[1]
  if (isPointwise(geometry)) {
    matmul(device, {
      left: outputGradient,
      right: weight,
      output: inputGradient,
      rows: geometry.batch * pixels,
      columns: inputChannels,
      depth: outputChannels,
      transposeRight: true,
      variant: product,
    })
    return
  }
  const phases = phasesOf(geometry)
  for (const window of imageWindows(device, kernel.name, geometry)) {
    const gradientRange = offsetRange(device, outputGradient, window.start * sizes.output, window.count * sizes.output)
    innerProduct(
      device,
      {
        batches: groups * phases.count[0] * phases.count[1],
        rows: window.count * phases.size[0] * phases.size[1],
        columns: inputChannels / groups,
        segments: phases.taps[0] * phases.taps[1],
        segmentsInRow: phases.taps[1],
        segmentLength: outputChannels / groups,
      },
      {
        leftAlongDepth: true,
        rightAlongDepth: true,
        leftInFours: areFours(outputChannels / groups, gradientRange.offset),
        rightInFours: areFours(outputChannels / groups),
        segmented: true,
        scattered: phases.count.some((count) => count > 1),
      },
      {
        buffer: inputGradient,
        start: window.start * sizes.input,
        extent: window.count * sizes.input,
        batchStride: inputChannels / groups,
        rowStride: inputChannels,
        accumulate: false,
        columns: { start: 0, count: inputChannels },
      },
      product,
      (dispatch) =>
        kernel.dispatch(device, {
          ...dispatch,
          template: { ...dispatch.template, strided: stride.some((step) => step > 1) },
          work: window.count * multiplyAddsOfImage(geometry) * 2, // what lies beyond a phase's taps and pixels is not counted
          bindings: { outputGradient: gradientRange.range, weight, output: dispatch.output },
          uniforms: {
            ...dispatch.uniforms,
            ...geometryValues(geometry),
            kernelHeight: geometry.kernelSize[0],
            phasesInColumn: phases.count[0],
            phasesInRow: phases.count[1],
            phaseHeight: phases.size[0],
            phaseWidth: phases.size[1],
            outputGradientOffset: gradientRange.offset,
          },
        }),
    )
  }
}
