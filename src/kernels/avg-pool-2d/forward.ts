/** The average of each window. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/avg-pool-2d/forward.wgsl'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import {
  dispatchPool,
  type PoolShape,
  poolShapeUniforms,
  type PoolWindow,
  poolWindowUniforms,
  poolWindowValues,
} from '../pool-2d.js'

const kernel = defineKernel({
  name: 'avg-pool-2d/forward',
  source,
  bindings: { input: readFloats('vectors'), output: writeFloats('vectors') },
  uniforms: { ...poolShapeUniforms, ...poolWindowUniforms, countPadding: 'u32' },
})

/** `countPadding`: whether a window's padding counts in what its sum is divided by. Dilation is not supported. */
export function avgPool2dForward(
  device: Device,
  { input, output }: { input: DeviceBuffer; output: DeviceBuffer },
  shape: PoolShape,
  window: PoolWindow & { readonly countPadding: boolean },
): void {
  dispatchPool(device, kernel, shape, {
    computes: 'output',
    buffers: { input: { buffer: input, side: 'input' }, output: { buffer: output, side: 'output' } },
    uniforms: { ...poolWindowValues(window), countPadding: Number(window.countPadding) },
    workPerElement: window.kernel[0] * window.kernel[1],
  })
}
