/** What the kernels between images and transformed tiles have in common: their uniforms and their grid. */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import { elementGrid, type RowWindow } from '../../grid.js'
import { type OffsetRange, offsetRange } from '../../offset-windows.js'
import { channelsPerValue, valueTemplate, type WinogradTiling } from './tiles.js'

/** Images [N, H, W, C]; the kernels see a window of them. */
export interface TiledImages {
  readonly buffer: DeviceBuffer
  readonly size: readonly [number, number]
  readonly channels: number
  readonly window: RowWindow
}

/** One dispatch over all tiles of a window of images, without its bindings. */
export function overTiles(device: Device, { buffer, size, channels, window }: TiledImages, tiling: WinogradTiling) {
  const { tilesInRow, tilesInColumn } = tiling
  const imageSize = size[0] * size[1] * channels
  const images: OffsetRange = offsetRange(device, buffer, window.start * imageSize, window.count * imageSize)
  const perValue = channelsPerValue(device, channels, images.offset)
  const elements = (window.count * tilesInRow * tilesInColumn * channels) / perValue
  return {
    images: images.range,
    offset: images.offset / perValue,
    perValue,
    template: { workgroupSize: device.workgroupSize, ...valueTemplate(perValue, tiling) },
    uniforms: {
      size: elements,
      channels: channels / perValue,
      height: size[0],
      width: size[1],
      tilesInRow,
      tilesInColumn,
    },
    workgroups: elementGrid(device, elements),
    work: elements * perValue * tiling.points * 4,
  }
}
