/** The mean of the losses that count, and the metrics of the step, in one pass. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/cross-entropy/mean-and-metrics.wgsl'
import { defineKernel, read, write } from '../kernel.js'
import type { MetricsStep } from '../metrics/accumulate.js'

const kernel = defineKernel({
  name: 'cross-entropy/mean-and-metrics',
  source,
  bindings: {
    losses: read(),
    counted: read(),
    logits: read(),
    targets: read('i32'),
    loss: write('u32'),
    count: write(),
    totals: write('u32'),
  },
  uniforms: { rows: 'u32', classes: 'u32', step: 'u32' },
})

export interface MeanAndMetrics extends MetricsStep {
  /** f32 [rows]: what the forward kernel gave. */
  readonly losses: DeviceBuffer
  readonly counted: DeviceBuffer
  /** f32, one element: the number of rows that count. */
  readonly count: DeviceBuffer
}

/** `loss` and `count` are written; the loss is NaN if no row counts. */
export function crossEntropyMeanAndMetrics(device: Device, { rows, classes, step, ...buffers }: MeanAndMetrics): void {
  kernel.dispatch(device, {
    template: { workgroupSize: 2 ** Math.floor(Math.log2(device.workgroupSize)) },
    bindings: buffers,
    uniforms: { rows, classes, step },
    workgroups: [1, 1, 1],
    work: rows * (classes + 2),
  })
}
