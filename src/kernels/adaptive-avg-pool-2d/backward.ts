/** Each input gathers its share of the gradients of the windows that cover it. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/adaptive-avg-pool-2d/backward.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import { dispatchPool, type PoolShape, poolShapeUniforms } from '../pool-2d.js'

const kernel = defineKernel({
  name: 'adaptive-avg-pool-2d/backward',
  source,
  bindings: { outputGradient: readFloats('vectors'), inputGradient: writeFloats('vectors') },
  uniforms: poolShapeUniforms,
})

export function adaptiveAvgPool2dBackward(
  device: Device,
  { outputGradient, inputGradient }: { outputGradient: DeviceBuffer; inputGradient: DeviceBuffer },
  shape: PoolShape,
): void {
  const { inputHeight, inputWidth, outputHeight, outputWidth } = shape
  dispatchPool(device, kernel, shape, {
    computes: 'input',
    buffers: {
      outputGradient: { buffer: outputGradient, side: 'output' },
      inputGradient: { buffer: inputGradient, side: 'input' },
    },
    uniforms: {},
    workPerElement: 2 * Math.max(1, outputHeight / inputHeight) * Math.max(1, outputWidth / inputWidth),
  })
}
