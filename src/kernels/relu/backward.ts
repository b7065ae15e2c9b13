/** The gradient of ReLU: the output's gradient where the output is positive, else 0. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/relu/backward.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'

const kernel = defineKernel({
  name: 'relu/backward',
  source,
  bindings: {
    output: readFloats('vectors'),
    outputGradient: readFloats('vectors'),
    inputGradient: writeFloats('vectors'),
  },
  uniforms: { size: 'u32' },
})

export function reluBackward(
  device: Device,
  buffers: { output: DeviceBuffer; outputGradient: DeviceBuffer; inputGradient: DeviceBuffer },
  size: number,
): void {
  dispatchElementwise(device, kernel, { size, buffers, vectors: true, uniforms: ({ count }) => ({ size: count }) })
}
