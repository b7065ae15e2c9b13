/**
 * What the variants of a convolution should cost, for shapes that nobody has measured: arithmetic at the device's speed plus
 * traffic at the speed of its memory. The figures behind the constants are in docs/performance.md.
 */
import type { Device } from '../device/device.js'
import { type Conv2dGeometry, phasesOf } from '../kernels/conv2d/geometry.js'
import {
  type Conv2dOperation,
  type Conv2dVariant,
  type WinogradProblem,
  winogradProblem,
} from '../kernels/conv2d/variants.js'
import type { ProductSizes } from './product-cost.js'

/** How many operations a device does in the time in which it moves one byte. */
const operationsPerByte = { gpu: 24, software: 10 } as const
/** The side of the tiles of results that a matrix product computes whole. */
const productTile = { gpu: 64, software: 32 } as const
/** Many small products do somewhat worse than one large one. */
const batchedProduct = 1.2

/** In operations. */
export interface Conv2dCost {
  /** Of its matrix products, with the variant of them that the device takes by itself. */
  readonly products: number
  /** Of all that moves before and after them. */
  readonly traffic: number
  /** Of its matrix products. */
  readonly sizes: ProductSizes
}

/** @param reusesWeight whether the weight's packed form is kept from call to call */
export function conv2dCost(
  device: Device,
  operation: Conv2dOperation,
  geometry: Conv2dGeometry,
  variant: Conv2dVariant,
  reusesWeight: boolean,
): Conv2dCost {
  const problem = winogradProblem(device, operation, geometry, variant)
  return problem ? winogradCost(device, operation, problem, reusesWeight) : directCost(device, operation, geometry)
}

/** Traffic is what arithmetic hides. */
function directCost(device: Device, operation: Conv2dOperation, geometry: Conv2dGeometry): Conv2dCost {
  const { batch, inputSize, outputSize, inputChannels, outputChannels, kernelSize, padding } = geometry
  const { kind } = device.adapter
  const phases = phasesOf(geometry)
  const isInputGradient = operation === 'input-gradient'
  const pixels = batch * (isInputGradient ? inputSize[0] * inputSize[1] : outputSize[0] * outputSize[1])
  const [depth, columns] = isInputGradient ? [outputChannels, inputChannels] : [inputChannels, outputChannels]
  // inner products for the CPU skip the taps that meet padding only
  const taps = (isInputGradient ? phases.taps : kernelSize).map((length, side) =>
    kind === 'software' && padding[side]! > 0 ? Math.min(length, 2 * inputSize[side]! - 1) : length,
  )
  const operations = 2 * pixels * taps[0]! * taps[1]! * depth * roundUp(columns, productTile[kind])
  // the depth of the weight's gradient comes in segments of one element of each image: short ones cost
  const products = operation === 'weight-gradient' ? operations * (1 + 1.2 / Math.sqrt(batch)) : operations
  return { products, traffic: 0, sizes: directSizes(operation, geometry) }
}

function directSizes(operation: Conv2dOperation, geometry: Conv2dGeometry): ProductSizes {
  const { batch, outputSize, kernelSize, groups } = geometry
  const phases = phasesOf(geometry)
  const [inputs, outputs] = [geometry.inputChannels / groups, geometry.outputChannels / groups]
  const taps = kernelSize[0] * kernelSize[1]
  const pixels = batch * outputSize[0] * outputSize[1]
  switch (operation) {
    case 'forward':
      return { batches: groups, rows: pixels, columns: outputs, depth: taps * inputs }
    case 'input-gradient':
      return {
        batches: groups * phases.count[0] * phases.count[1],
        rows: batch * phases.size[0] * phases.size[1],
        columns: inputs,
        depth: phases.taps[0] * phases.taps[1] * outputs,
      }
    case 'weight-gradient':
      return { batches: groups, rows: taps * inputs, columns: outputs, depth: pixels }
  }
}

function winogradCost(
  device: Device,
  operation: Conv2dOperation,
  { geometry, tiling }: WinogradProblem,
  reusesWeight: boolean,
): Conv2dCost {
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
  return {
    products: batchedProduct * products,
    traffic: operationsPerByte[kind] * bytes,
    sizes: { batches: tiling.points, rows, columns, depth },
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}
