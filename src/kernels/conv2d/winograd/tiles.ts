/**
 * Winograd's algorithm for 3x3 convolutions: which convolutions it computes, and how images are cut into tiles. A result
 * takes 4 (F(2x2, 3x3): 16 / 4) or 2.25 (F(4x4, 3x3): 36 / 16) multiplications for each input channel in the place of 9, but
 * four times the input and the output pass through memory more often. See shaders/conv2d/winograd/transforms.wgsl.
 */
import type { Device } from '../../../device/device.js'
import type { RowWindow } from '../../grid.js'
import type { UniformType } from '../../kernel.js'
import { offsetWindows } from '../../offset-windows.js'
import { type Conv2dGeometry, imageSizes } from '../geometry.js'

/** The side of a tile of output pixels: F(2x2, 3x3) or F(4x4, 3x3). */
export type WinogradTile = 2 | 4

/** What a convolution in tiles looks like. */
export interface WinogradTiling {
  readonly side: WinogradTile
  /** Elements of a transformed tile of one channel: (side + 2)^2. */
  readonly points: number
  readonly tilesInRow: number
  readonly tilesInColumn: number
  /** Windows of images whose transformed input and output fit one binding each. */
  readonly windows: readonly RowWindow[]
}

/** Whether the algorithm computes this convolution: 3x3 taps next to each other, stride 1, one group. */
export function isWinograd({ kernelSize, stride, dilation, groups }: Conv2dGeometry): boolean {
  const ones = [...stride, ...dilation, groups]
  return kernelSize.every((length) => length === 3) && ones.every((length) => length === 1)
}

/** Undefined where the transformed kernel or a transformed image does not fit one binding. */
export function winogradTiling(
  device: Device,
  geometry: Conv2dGeometry,
  side: WinogradTile,
): WinogradTiling | undefined {
  const { outputSize, inputChannels, outputChannels, batch } = geometry
  const points = (side + 2) ** 2
  const [tilesInColumn, tilesInRow] = [Math.ceil(outputSize[0] / side), Math.ceil(outputSize[1] / side)]
  const imageBytes = points * tilesInRow * tilesInColumn * Math.max(inputChannels, outputChannels) * 4
  const { bindingSize, offsetAlignment } = device.limits
  if (Math.max(imageBytes, points * inputChannels * outputChannels * 4) > bindingSize - offsetAlignment)
    return undefined
  const sizes = imageSizes(geometry)
  const windows = offsetWindows(device, 'conv2d/winograd', batch, [imageBytes, sizes.input * 4, sizes.output * 4])
  return { side, points, tilesInRow, tilesInColumn, windows }
}

/** The uniforms that shaders/conv2d/winograd/tiles.wgsl reads, and the size of the images that it tiles. */
export const tileUniforms = {
  size: 'u32',
  channels: 'u32',
  height: 'u32',
  width: 'u32',
  tilesInRow: 'u32',
  tilesInColumn: 'u32',
} as const satisfies Record<string, UniformType>

/** Channels in one `Value` of the WGSL files: four where the GPU loads four at once, and all numbers of them divide. */
export function channelsPerValue(device: Device, ...multiples: readonly number[]): 1 | 4 {
  return device.adapter.kind === 'gpu' && multiples.every((count) => count % 4 === 0) ? 4 : 1
}

/** The template values that say so. */
export function valueTemplate(channels: 1 | 4, { side }: { readonly side: WinogradTile }) {
  return { vectors: channels === 4, largeTile: side === 4 }
}
