/** Each input gathers the gradients of the windows whose maximum it is. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/max-pool-2d/backward.wgsl'
import { defineKernel, read, write } from '../kernel.js'
import {
  dispatchPool,
  type PoolShape,
  poolShapeUniforms,
  type PoolWindow,
  poolWindowUniforms,
  poolWindowValues,
  windowsPerInput,
} from '../pool-2d.js'

const kernel = defineKernel({
  name: 'max-pool-2d/backward',
  source,
  bindings: { outputGradient: read('Value'), indices: read('Index'), inputGradient: write('Value') },
  uniforms: { ...poolShapeUniforms, ...poolWindowUniforms, dilationHeight: 'u32', dilationWidth: 'u32' },
})

/** `indices` (u32) are those that the forward kernel wrote. */
export function maxPool2dBackward(
  device: Device,
  buffers: { outputGradient: DeviceBuffer; indices: DeviceBuffer; inputGradient: DeviceBuffer },
  shape: PoolShape,
  window: PoolWindow,
): void {
  const [dilationHeight, dilationWidth] = window.dilation
  dispatchPool(device, kernel, shape, {
    computes: 'input',
    buffers: {
      outputGradient: { buffer: buffers.outputGradient, side: 'output' },
      indices: { buffer: buffers.indices, side: 'output' },
      inputGradient: { buffer: buffers.inputGradient, side: 'input' },
    },
    uniforms: { ...poolWindowValues(window), dilationHeight, dilationWidth },
    workPerElement: 2 * windowsPerInput(shape, window),
  })
}
