/** The sums of the backward pass for every channel: the kernels `sums-partial` and `sums-merge` over all windows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import type { ColumnReduction } from './column-reduction.js'
import { sumsMerge } from './sums-merge.js'
import { sumsPartial } from './sums-partial.js'

/** `input` and `outputGradient` are [rows, channels]; `partials` as for the moments; the others are [channels]. */
export interface BatchNormSumsBuffers {
  readonly input: DeviceBuffer
  readonly outputGradient: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly inverseDeviation: DeviceBuffer
  readonly partials: DeviceBuffer
  readonly gradientSum: DeviceBuffer
  readonly productSum: DeviceBuffer
}

/**
 * gradientSum = sum of outputGradient, which is the bias's gradient; productSum = sum of outputGradient * normalized,
 * which is the weight's, with normalized = (input - mean) * inverseDeviation. Both sums run over all rows.
 *
 * @param reduction planned for two operands
 */
export function batchNormSums(device: Device, buffers: BatchNormSumsBuffers, reduction: ColumnReduction): void {
  const { partials, gradientSum, productSum } = buffers
  for (const window of reduction.windows) {
    sumsPartial(device, buffers, reduction, window)
    sumsMerge(device, { partials, gradientSum, productSum }, reduction, window)
  }
}
