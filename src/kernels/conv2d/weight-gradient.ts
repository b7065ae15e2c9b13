/** The gradient of a 2-D convolution with respect to its weight. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/conv2d/weight-gradient.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
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
} from './geometry.js'
import { type Conv2dMethod, winogradProblem } from './variants.js'
import { winogradWeightGradient } from './winograd/index.js'

const kernel = defineKernel({
  name: 'conv2d/weight-gradient',
  source,
  bindings: {
    input: readFloats('leftVectors'),
    outputGradient: readFloats('rightVectors'),
    output: writeFloats('vectors'),
  },
  uniforms: { ...innerProductUniforms, ...geometryUniforms, inputOffset: 'u32', outputGradientOffset: 'u32' },
})

export interface Conv2dWeightGradientBuffers {
  readonly input: DeviceBuffer
  readonly outputGradient: DeviceBuffer
  readonly weightGradient: DeviceBuffer
}

export function conv2dWeightGradient(
  device: Device,
  buffers: Conv2dWeightGradientBuffers,
  geometry: Conv2dGeometry,
  { variant = 'direct', product }: Conv2dMethod = {},
): void {
  const { input, outputGradient, weightGradient } = buffers
  const problem = winogradProblem(device, 'weight-gradient', geometry, variant)
  if (problem) {
    winogradWeightGradient(device, buffers, problem.geometry, problem.tiling, product)
    return
  }
  const { inputChannels, outputChannels, outputSize, kernelSize, groups } = geometry
  const sizes = imageSizes(geometry)
  const pixels = outputSize[0] * outputSize[1]
  if (isPointwise(geometry)) {
    matmul(device, {
      left: input,
      right: outputGradient,
      output: weightGradient,
      rows: inputChannels,
      columns: outputChannels,
      depth: geometry.batch * pixels,
      transposeLeft: true,
      variant: product,
    })
    return
  }
  const rows = kernelSize[0] * kernelSize[1] * (inputChannels / groups)
  for (const window of imageWindows(device, kernel.name, geometry)) {
    const inputRange = offsetRange(device, input, window.start * sizes.input, window.count * sizes.input)
    const gradientRange = offsetRange(device, outputGradient, window.start * sizes.output, window.count * sizes.output)
    innerProduct(
      device,
      {
        batches: groups,
        rows,
        columns: outputChannels / groups,
        segments: pixels,
        segmentsInRow: outputSize[1],
        segmentLength: window.count,
      },
      {
        leftAlongDepth: false,
        rightAlongDepth: false,
        leftInFours: areFours(inputChannels / groups, inputRange.offset),
        rightInFours: areFours(outputChannels / groups, gradientRange.offset),
        segmented: true,
      },
      {
        buffer: weightGradient,
        start: 0,
        extent: rows * outputChannels,
        batchStride: outputChannels / groups,
        rowStride: outputChannels,
        accumulate: window.start > 0,
        columns: { start: 0, count: outputChannels },
      },
      product,
      (dispatch) =>
        kernel.dispatch(device, {
          ...dispatch,
          bindings: { input: inputRange.range, outputGradient: gradientRange.range, output: dispatch.output },
          uniforms: {
            ...dispatch.uniforms,
            ...geometryValues(geometry),
            inputOffset: inputRange.offset,
            outputGradientOffset: gradientRange.offset,
          },
        }),
    )
  }
}
