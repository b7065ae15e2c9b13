/** Adds the loss and the correct predictions of one step to running totals on the GPU. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/metrics/accumulate.wgsl'
import { defineKernel, read, type UniformValue, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'metrics/accumulate',
  source,
  bindings: { logits: read(), targets: read('i32'), loss: read(), totals: write('u32') },
  uniforms: { rows: 'u32', classes: 'u32', step: 'u32' },
})

/** The elements of `totals` before the losses of the single steps; see the WGSL file. */
export const metricsHeaderLength = 4

export interface MetricsStep {
  /** f32 [rows, classes]. */
  readonly logits: DeviceBuffer
  /** i32 [rows]. */
  readonly targets: DeviceBuffer
  /** f32, one element: the mean loss of the rows. */
  readonly loss: DeviceBuffer
  /** u32 [4 + steps], zero before the first step. */
  readonly totals: DeviceBuffer
  readonly rows: number
  readonly classes: number
  /** The number of the step, from 0. */
  readonly step: UniformValue
}

export function accumulateMetrics(device: Device, arguments_: MetricsStep): void {
  const { logits, targets, loss, totals, rows, classes, step } = arguments_
  kernel.dispatch(device, {
    template: { workgroupSize: 2 ** Math.floor(Math.log2(device.workgroupSize)) },
    bindings: { logits, targets, loss, totals },
    uniforms: { rows, classes, step },
    workgroups: [1, 1, 1],
    work: rows * classes,
  })
}
