/** The norm behind sums of squares, and the factor that clips it. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/clip/norm.wgsl'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'clip/norm',
  source,
  bindings: { partials: read(), norm: write(), factor: write() },
  uniforms: { count: 'u32', maxNorm: 'f32' },
})

export interface ClipNormArguments {
  readonly partials: DeviceBuffer
  /** The number of sums in `partials`. */
  readonly count: number
  readonly maxNorm: number
  /** One number each. */
  readonly norm: DeviceBuffer
  readonly factor: DeviceBuffer
}

/** norm = sqrt(sum of partials), factor = min(1, maxNorm / (norm + 1e-6)). */
export function clipNorm(device: Device, { partials, count, maxNorm, norm, factor }: ClipNormArguments): void {
  kernel.dispatch(device, {
    template: { workgroupSize: device.workgroupSize },
    bindings: { partials, norm, factor },
    uniforms: { count, maxNorm },
    workgroups: [1, 1, 1],
    work: count,
  })
}
