/** Sets every element of an f32 buffer to one value. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/fill/fill.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, writeFloats } from '../kernel.js'

const kernel = defineKernel({
  name: 'fill/fill',
  source,
  bindings: { output: writeFloats('vectors') },
  uniforms: { size: 'u32', value: 'f32' },
})

/** output[i] = value for `size` elements. */
export function fill(device: Device, { output, size, value }: { output: DeviceBuffer; size: number; value: number }) {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { output },
    vectors: true,
    uniforms: ({ count }) => ({ size: count, value }),
  })
}
