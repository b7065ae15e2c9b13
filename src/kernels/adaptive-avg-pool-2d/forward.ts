/** The average of each of the windows that cut the image into outputHeight x outputWidth. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/adaptive-avg-pool-2d/forward.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import { dispatchPool, type PoolShape, poolShapeUniforms } from '../pool-2d.js'

const kernel = defineKernel({
  name: 'adaptive-avg-pool-2d/forward',
  source,
  bindings: { input: readFloats('vectors'), output: writeFloats('vectors') },
  uniforms: poolShapeUniforms,
})

export function adaptiveAvgPool2dForward(
  device: Device,
  { input, output }: { input: DeviceBuffer; output: DeviceBuffer },
  shape: PoolShape,
): void {
  const { inputHeight, inputWidth, outputHeight, outputWidth } = shape
  dispatchPool(device, kernel, shape, {
    computes: 'output',
    buffers: { input: { buffer: input, side: 'input' }, output: { buffer: output, side: 'output' } },
    uniforms: {},
    workPerElement: Math.max(1, inputHeight / outputHeight) * Math.max(1, inputWidth / outputWidth),
  })
}
