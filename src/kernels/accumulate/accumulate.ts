/** Adds one f32 buffer to another in place: gradients that meet at a tensor. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/accumulate/accumulate.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'

const kernel = defineKernel({
  name: 'accumulate/accumulate',
  source,
  bindings: { source: readFloats('vectors'), destination: writeFloats('vectors') },
  uniforms: { size: 'u32' },
})

/** target[i] += source[i] for `size` elements; the buffers must be different ones. */
export function accumulate(
  device: Device,
  { target, source: addend, size }: { target: DeviceBuffer; source: DeviceBuffer; size: number },
): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { source: addend, destination: target },
    vectors: true,
    uniforms: ({ count }) => ({ size: count }),
  })
}
