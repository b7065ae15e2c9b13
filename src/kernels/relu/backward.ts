/** The gradient of ReLU: the output's gradient where the output is positive, else 0. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/relu/backward.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'relu/backward',
  source,
  bindings: { output: read('Value'), outputGradient: read('Value'), inputGradient: write('Value') },
  uniforms: { size: 'u32' },
})

export function reluBackward(
  device: Device,
  buffers: { output: DeviceBuffer; outputGradient: DeviceBuffer; inputGradient: DeviceBuffer },
  size: number,
): void {
  dispatchElementwise(device, kernel, { size, buffers, vectors: true, uniforms: ({ count }) => ({ size: count }) })
}
