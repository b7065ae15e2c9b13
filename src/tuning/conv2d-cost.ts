/**
 * What the variants of a convolution should cost, for shapes that nobody has measured: arithmetic at the device's speed plus
 * traffic at the speed of its memory. The figures behind the constants are in docs/performance.md.
 */
import type { Device } from '../device/device.js'
import type { Conv2dGeometry } from '../kernels/conv2d/geometry.js'
import {
  type Conv2dOperation,
  type Conv2dVariant,
  conv2dVariantsFor,
  type WinogradProblem,
  winogradProblem,
} from '../kernels/conv2d/variants.js'

/** How many operations a device does in the time in which it moves one byte. */
const operationsPerByte = { gpu: 24, software: 10 } as const
/** The side of the tiles of results that a matrix product computes whole. */
const productTile = { gpu: 64, software: 32 } as const
/** Many small products do somewhat worse than one large one. */
const batchedProduct = 1.2

/**
 * The variants that can compute an operation, the cheapest first.
 * @param reusesWeight whether the weight's packed form is kept from call to call
 */
export function conv2dVariantsByCost(
  device: Device,
  operation: Conv2dOperation,
  geometry: Conv2dGeometry,
  reusesWeight: boolean,
): Conv2dVariant[] {
  const costs = conv2dVariantsFor(device, operation, geometry).map((variant) => {
    const problem = winogradProblem(device, operation, geometry, variant)
    const cost = problem
      ? winogradCost(device, operation, problem, reusesWeight)
      : directCost(device, operation, geometry)
    return { variant, cost }
  })
  return costs.sort((a, b) => a.cost - b.cost).map(({ variant }) => variant)
}

/** In operations; traffic is what arithmetic hides. */
function directCost(device: Device, operation: Conv2dOperation, geometry: Conv2dGeometry): number {
  const { batch, inputSize, outputSize, inputChannels, outputChannels, kernelSize, padding } = geometry
  const { kind } = device.adapter
  const pixels = batch * (operation === 'input-gradient' ? inputSize[0] * inputSize[1] : outputSize[0] * outputSize[1])
  const [depth, columns] =
    operation === 'input-gradient' ? [outputChannels, inputChannels] : [inputChannels, outputChannels]
  // inner products for the CPU skip the taps that meet padding only
  const taps = kernelSize.map((length, side) =>
    kind === 'software' && padding[side]! > 0 ? Math.min(length, 2 * inputSize[side]! - 1) : length,
  )
  const operations = 2 * pixels * taps[0]! * taps[1]! * depth * roundUp(columns, productTile[kind])
  // the depth of the weight's gradient comes in segments of one element of each image: short ones cost
  return operation === 'weight-gradient' ? operations * (1 + 1.2 / Math.sqrt(batch)) : operations
}

function winogradCost(
  device: Device,
  operation: Conv2dOperation,
  { geometry, tiling }: WinogradProblem,
  reusesWeight: boolean,
): number {
  const { batch, inputSize, outputSize, inputChannels, outputChannels } = geometry
  const { kind } = device.adapter
  const tile = productTile[kind]
  const tiles = batch * tiling.tilesInRow * tiling.tilesInColumn
  const weights = inputChannels * outputChannels
  const ofImages =
    batch * (inputSize[0] * inputSize[1] * inputChannels + outputSize[0] * outputSize[1] * outputChannels)
  const ofTiles = 2 * tiling.points * tiles * (inputChannels + outputChannels)
  const isGradient = operation === 'weight-gradient'
  const transformed = tiling.points * weights
  const ofWeights = isGradient || !reusesWeight ? 2 * transformed + 9 * weights : transformed
  const [rows, columns, depth] = isGradient
    ? [inputChannels, outputChannels, tiles]
    : [tiles, outputChannels, inputChannels]
  const products = 2 * tiling.points * roundUp(rows, tile) * roundUp(columns, tile) * depth
  const bytes = 4 * (ofImages + ofTiles + ofWeights)
  return batchedProduct * products + operationsPerByte[kind] * bytes
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}
