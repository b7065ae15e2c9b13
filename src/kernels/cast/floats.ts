/** Converts f32 to f16, and f16 to f32. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/cast/floats.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'

const kernel = defineKernel({
  name: 'cast/floats',
  source,
  bindings: { input: readFloats('vectors'), output: writeFloats('vectors') },
  uniforms: { size: 'u32' },
})

/** output[i] = input[i] for `size` elements; what f16 cannot hold becomes infinite, and what is too small for it 0. */
export function castFloats(
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
