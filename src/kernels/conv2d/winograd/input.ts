/** The transform of the input of Winograd's algorithm. */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import source from '../../../../shaders/conv2d/winograd/input.wgsl'
import { defineKernel, readFloats, write } from '../../kernel.js'
import { overTiles, type TiledImages } from './pixels.js'
import { tileUniforms, type WinogradTiling } from './tiles.js'

const kernel = defineKernel({
  name: 'conv2d/winograd/input',
  source,
  bindings: { input: readFloats('vectors'), output: write('Value') },
  uniforms: { ...tileUniforms, paddingHeight: 'u32', paddingWidth: 'u32', inputOffset: 'u32' },
})

/** `output` [points, tiles, channels]: the tiles that the output pixels of `tiling` see, with `padding` zeros around. */
export function winogradInput(
  device: Device,
  input: TiledImages,
  output: DeviceBuffer,
  tiling: WinogradTiling,
  padding: readonly [number, number],
): void {
  const { images, offset, uniforms, ...dispatch } = overTiles(device, input, tiling)
  kernel.dispatch(device, {
    ...dispatch,
    bindings: { input: images, output },
    uniforms: { ...uniforms, paddingHeight: padding[0], paddingWidth: padding[1], inputOffset: offset },
  })
}
