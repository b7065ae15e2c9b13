/** From the batch's moments to mean, 1 / deviation and scale, and the running statistics one step on. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/training-scale.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'
import type { RowsOfChannels } from './column-reduction.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/training-scale',
  source,
  bindings: {
    moments: read('vec2<f32>'),
    origin: read(),
    weight: read(),
    mean: write(),
    inverseDeviation: write(),
    scale: write(),
    runningMean: write(),
    runningVar: write(),
  },
  uniforms: { channels: 'u32', rows: 'u32', eps: 'f32', momentum: 'f32' },
})

/** All buffers are [channels] except `moments`, [channels, 2], and `origin`, which begins with [channels]; `runningMean` and `runningVar` are updated in place. */
export function batchNormTrainingScale(
  device: Device,
  buffers: {
    moments: DeviceBuffer
    origin: DeviceBuffer
    weight: DeviceBuffer
    mean: DeviceBuffer
    inverseDeviation: DeviceBuffer
    scale: DeviceBuffer
    runningMean: DeviceBuffer
    runningVar: DeviceBuffer
  },
  { rows, channels, eps, momentum }: RowsOfChannels & { eps: number; momentum: number },
): void {
  dispatchElementwise(device, kernel, {
    size: channels,
    buffers,
    elementBytes: { moments: 8 },
    uniforms: ({ count }) => ({ channels: count, rows, eps, momentum }),
    workPerElement: 10,
  })
}
