/** output = max(input, 0), elementwise on contiguous f32 buffers. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/relu/forward.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'

const kernel = defineKernel({
  name: 'relu/forward',
  source,
  bindings: { input: readFloats('vectors'), output: writeFloats('vectors') },
  uniforms: { size: 'u32' },
})

export function reluForward(
  device: Device,
  { input, output, size }: { input: DeviceBuffer; output: DeviceBuffer; size: number },
): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { input, output },
    vectors: true,
    uniforms: ({ count }) => ({ size: count }),
  })
}
