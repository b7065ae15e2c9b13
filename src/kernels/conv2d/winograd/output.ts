/** The transform of the output of Winograd's algorithm, with the epilogue. */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import source from '../../../../shaders/conv2d/winograd/output.wgsl'
import { defineKernel, read, writeFloats } from '../../kernel.js'
import {
  bindEpilogue,
  completeBindings,
  type Epilogue,
  epilogueBindings,
  epilogueUniforms,
} from '../../matmul/epilogue.js'
import { overTiles, type TiledImages } from './pixels.js'
import { tileUniforms, type WinogradTiling } from './tiles.js'

const kernel = defineKernel({
  name: 'conv2d/winograd/output',
  source,
  bindings: { products: read('Value'), ...epilogueBindings, output: writeFloats('vectors') },
  uniforms: { ...tileUniforms, outputOffset: 'u32', ...epilogueUniforms },
})

/** `products` is [points, tiles, channels]; writes `output`. */
export function winogradOutput(
  device: Device,
  products: DeviceBuffer,
  output: TiledImages,
  tiling: WinogradTiling,
  epilogue: Epilogue,
): void {
  const { images, offset, uniforms, template, ...dispatch } = overTiles(device, output, tiling)
  const imageSize = output.size[0] * output.size[1] * output.channels
  const bound = bindEpilogue(device, epilogue, {
    start: output.window.start * imageSize,
    extent: output.window.count * imageSize,
    columns: { start: 0, count: output.channels },
  })
  kernel.dispatch(device, {
    ...dispatch,
    template: { ...template, ...bound.template, accumulate: false },
    bindings: { products, ...completeBindings(bound.bindings, products), output: images },
    uniforms: { ...uniforms, outputOffset: offset, ...bound.uniforms },
  })
}
