/** Multiplies a buffer in place with a number that lies on the GPU. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/clip/scale.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'clip/scale',
  source,
  bindings: { factor: read(), gradient: write('Value') },
  uniforms: { size: 'u32' },
})

/** gradient[i] *= factor[0] for `size` elements. */
export function clipScale(
  device: Device,
  { gradient, factor, size }: { gradient: DeviceBuffer; factor: DeviceBuffer; size: number },
): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { factor, gradient },
    whole: ['factor'],
    vectors: true,
    uniforms: ({ count }) => ({ size: count }),
  })
}
