/** The transform of the output's gradient, for the gradient of the kernel by Winograd's algorithm. */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import source from '../../../../shaders/conv2d/winograd/gradient.wgsl'
import { defineKernel, readFloats, write } from '../../kernel.js'
import { overTiles, type TiledImages } from './pixels.js'
import { tileUniforms, type WinogradTiling } from './tiles.js'

const kernel = defineKernel({
  name: 'conv2d/winograd/gradient',
  source,
  bindings: { outputGradient: readFloats('vectors'), output: write('Value') },
  uniforms: { ...tileUniforms, outputGradientOffset: 'u32' },
})

/** `output` is [points, tiles, channels]. */
export function winogradGradient(
  device: Device,
  outputGradient: TiledImages,
  output: DeviceBuffer,
  tiling: WinogradTiling,
): void {
  const { images, offset, uniforms, ...dispatch } = overTiles(device, outputGradient, tiling)
  kernel.dispatch(device, {
    ...dispatch,
    bindings: { outputGradient: images, output },
    uniforms: { ...uniforms, outputGradientOffset: offset },
  })
}
