/** The gradient of cross-entropy with respect to the logits. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/cross-entropy/backward.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import type { CrossEntropyOptions } from './forward.js'

const kernel = defineKernel({
  name: 'cross-entropy/backward',
  source,
  bindings: {
    input: read(),
    targets: read('i32'),
    statistics: read('vec2<f32>'),
    scale: read(),
    inputGradient: write(),
  },
  uniforms: { size: 'u32', classes: 'u32', ignoreIndex: 'i32', labelSmoothing: 'f32' },
})

export interface CrossEntropyBackwardBuffers {
  /** f32 [rows, classes]. */
  readonly input: DeviceBuffer
  /** i32 [rows]. */
  readonly targets: DeviceBuffer
  /** f32 [rows, 2], from the forward pass. */
  readonly statistics: DeviceBuffer
  /** f32: what each row's gradient is multiplied by, one number for all rows or one per row. */
  readonly scale: DeviceBuffer
  /** f32 [rows, classes]. */
  readonly inputGradient: DeviceBuffer
}

export function crossEntropyBackward(
  device: Device,
  buffers: CrossEntropyBackwardBuffers,
  { rows, classes, labelSmoothing, ignoreIndex, scalePerRow }: CrossEntropyOptions & { readonly scalePerRow: boolean },
): void {
  const rowBytes = classes * 4
  for (const window of rowWindows(device, kernel.name, rows, [rowBytes, 4, 8])) {
    const size = window.count * classes
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, scalePerRow },
      bindings: {
        input: windowOf(buffers.input, window, rowBytes),
        targets: windowOf(buffers.targets, window, 4),
        statistics: windowOf(buffers.statistics, window, 8),
        scale: scalePerRow ? windowOf(buffers.scale, window, 4) : buffers.scale,
        inputGradient: windowOf(buffers.inputGradient, window, rowBytes),
      },
      uniforms: { size, classes, ignoreIndex, labelSmoothing },
      workgroups: elementGrid(device, size),
      work: size * 5,
    })
  }
}
