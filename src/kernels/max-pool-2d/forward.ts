/** The largest value of each window, and where it is. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/max-pool-2d/forward.wgsl'
import { defineKernel, readFloats, write, writeFloats } from '../kernel.js'
import {
  dispatchPool,
  type PoolShape,
  poolShapeUniforms,
  type PoolWindow,
  poolWindowUniforms,
  poolWindowValues,
} from '../pool-2d.js'

const kernel = defineKernel({
  name: 'max-pool-2d/forward',
  source,
  bindings: { input: readFloats('vectors'), output: writeFloats('vectors'), indices: write('Index') },
  uniforms: { ...poolShapeUniforms, ...poolWindowUniforms, dilationHeight: 'u32', dilationWidth: 'u32' },
})

/** With `relu`, negative outputs are replaced by 0. `output` and `indices` (u32) have the output's shape; an index is h * inputWidth + w of the maximum in its image. */
export function maxPool2dForward(
  device: Device,
  { input, output, indices }: { input: DeviceBuffer; output: DeviceBuffer; indices: DeviceBuffer },
  shape: PoolShape,
  window: PoolWindow,
  { relu }: { readonly relu: boolean },
): void {
  const [dilationHeight, dilationWidth] = window.dilation
  dispatchPool(device, kernel, shape, {
    computes: 'output',
    template: { relu },
    buffers: {
      input: { buffer: input, side: 'input' },
      output: { buffer: output, side: 'output' },
      indices: { buffer: indices, side: 'output' },
    },
    uniforms: { ...poolWindowValues(window), dilationHeight, dilationWidth },
    workPerElement: window.kernel[0] * window.kernel[1],
  })
}
