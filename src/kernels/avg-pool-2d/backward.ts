/** Each input gathers its share of the gradients of the windows that cover it. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/avg-pool-2d/backward.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
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
  name: 'avg-pool-2d/backward',
  source,
  bindings: { outputGradient: readFloats('vectors'), inputGradient: writeFloats('vectors') },
  uniforms: { ...poolShapeUniforms, ...poolWindowUniforms, countPadding: 'u32' },
})

/** `window` as for the forward kernel. */
export function avgPool2dBackward(
  device: Device,
  { outputGradient, inputGradient }: { outputGradient: DeviceBuffer; inputGradient: DeviceBuffer },
  shape: PoolShape,
  window: PoolWindow & { readonly countPadding: boolean },
): void {
  dispatchPool(device, kernel, shape, {
    computes: 'input',
    buffers: {
      outputGradient: { buffer: outputGradient, side: 'output' },
      inputGradient: { buffer: inputGradient, side: 'input' },
    },
    uniforms: { ...poolWindowValues(window), countPadding: Number(window.countPadding) },
    workPerElement: 2 * windowsPerInput(shape, window),
  })
}
