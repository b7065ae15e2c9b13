/** Limits the elements of a buffer in place. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/clip/clamp.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'clip/clamp',
  source,
  bindings: { gradient: write('Value') },
  uniforms: { size: 'u32', limit: 'f32' },
})

/** Brings `size` elements into the range from -limit to limit. */
export function clipClamp(
  device: Device,
  { gradient, size, limit }: { gradient: DeviceBuffer; size: number; limit: number },
): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { gradient },
    vectors: true,
    uniforms: ({ count }) => ({ size: count, limit }),
  })
}
