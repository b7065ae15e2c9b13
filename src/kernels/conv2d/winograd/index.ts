/**
 * 3x3 convolutions and their gradients by Winograd's algorithm: transforms of tiles, one matrix product for each point of a
 * transformed tile, and a transform back.
 */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import type { RowWindow } from '../../grid.js'
import type { Epilogue } from '../../matmul/epilogue.js'
import { matmul } from '../../matmul/matmul.js'
import type { ProductVariant } from '../../matmul/tiling.js'
import type { Conv2dGeometry } from '../geometry.js'
import { winogradGradient } from './gradient.js'
import { winogradInput } from './input.js'
import { winogradKernelGradient } from './kernel-gradient.js'
import { winogradOutput } from './output.js'
import type { WinogradTiling } from './tiles.js'

export interface WinogradForwardBuffers {
  readonly input: DeviceBuffer
  /** The weight as `winogradKernel` gives it. */
  readonly kernel: DeviceBuffer
  readonly output: DeviceBuffer
}

/** output = convolution of input and weight, and what the epilogue adds. */
export function winogradForward(
  device: Device,
  buffers: WinogradForwardBuffers,
  geometry: Conv2dGeometry,
  tiling: WinogradTiling,
  product: ProductVariant | undefined,
  epilogue: Epilogue = {},
): void {
  convolveTiles(device, buffers, geometry, tiling, { product, epilogue })
}

/**
 * The geometry of the convolution that gives the gradient of the input: of the output's gradient with the flipped kernel, from
 * output channels to input channels.
 */
export function inputGradientGeometry(geometry: Conv2dGeometry): Conv2dGeometry {
  const { inputSize, outputSize, inputChannels, outputChannels, padding } = geometry
  return {
    ...geometry,
    inputSize: outputSize,
    inputChannels: outputChannels,
    outputSize: inputSize,
    outputChannels: inputChannels,
    padding: [2 - padding[0], 2 - padding[1]],
  }
}

/** @param geometry the `inputGradientGeometry`, and the tiling is made for it */
export function winogradInputGradient(
  device: Device,
  {
    outputGradient,
    kernel,
    inputGradient,
  }: { outputGradient: DeviceBuffer; kernel: DeviceBuffer; inputGradient: DeviceBuffer },
  geometry: Conv2dGeometry,
  tiling: WinogradTiling,
  product: ProductVariant | undefined,
): void {
  const buffers = { input: outputGradient, kernel, output: inputGradient }
  convolveTiles(device, buffers, geometry, tiling, { product, transposedKernel: true })
}

/** @param geometry the convolution's, and the tiling is made for it */
export function winogradWeightGradient(
  device: Device,
  {
    input,
    outputGradient,
    weightGradient,
  }: { input: DeviceBuffer; outputGradient: DeviceBuffer; weightGradient: DeviceBuffer },
  geometry: Conv2dGeometry,
  tiling: WinogradTiling,
  product: ProductVariant | undefined,
): void {
  const { inputSize, outputSize, inputChannels, outputChannels, padding } = geometry
  const { points, side } = tiling
  const size = inputChannels * outputChannels
  for (const window of tiling.windows) {
    const tiles = tilesOf(window, tiling)
    const inputs = device.allocate(points * tiles * inputChannels * 4)
    winogradInput(device, { buffer: input, size: inputSize, channels: inputChannels, window }, inputs, tiling, padding)
    const gradients = device.allocate(points * tiles * outputChannels * 4)
    const images = { buffer: outputGradient, size: outputSize, channels: outputChannels, window }
    winogradGradient(device, images, gradients, tiling)
    const sums = device.allocate(points * size * 4)
    matmul(device, {
      left: inputs,
      right: gradients,
      output: sums,
      batches: points,
      rows: inputChannels,
      columns: outputChannels,
      depth: tiles,
      transposeLeft: true,
      variant: product,
    })
    inputs.release()
    gradients.release()
    winogradKernelGradient(device, sums, weightGradient, size, { side, accumulate: window.start > 0 })
    sums.release()
  }
}

function convolveTiles(
  device: Device,
  { input, kernel, output }: WinogradForwardBuffers,
  { inputSize, inputChannels, outputSize, outputChannels, padding }: Conv2dGeometry,
  tiling: WinogradTiling,
  {
    product,
    epilogue = {},
    transposedKernel = false,
  }: { product: ProductVariant | undefined; epilogue?: Epilogue; transposedKernel?: boolean },
): void {
  const { points, windows } = tiling
  for (const window of windows) {
    const tiles = tilesOf(window, tiling)
    const transformed = device.allocate(points * tiles * inputChannels * 4)
    const images = { buffer: input, size: inputSize, channels: inputChannels, window }
    winogradInput(device, images, transformed, tiling, padding)
    const products = device.allocate(points * tiles * outputChannels * 4)
    matmul(device, {
      left: transformed,
      right: kernel,
      output: products,
      batches: points,
      rows: tiles,
      columns: outputChannels,
      depth: inputChannels,
      transposeRight: transposedKernel,
      variant: product,
    })
    transformed.release()
    const results = { buffer: output, size: outputSize, channels: outputChannels, window }
    winogradOutput(device, products, results, tiling, epilogue)
    products.release()
  }
}

function tilesOf({ count }: RowWindow, { tilesInRow, tilesInColumn }: WinogradTiling): number {
  return count * tilesInRow * tilesInColumn
}
