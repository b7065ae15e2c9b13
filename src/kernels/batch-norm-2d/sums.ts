/**
 * The sums of the backward pass for every channel: the kernels `sums-partial`, or `masked-sums-partial`, and `sums-merge` over
 * all windows.
 */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import type { ColumnReduction } from './column-reduction.js'
import { maskedSumsPartial } from './masked-sums-partial.js'
import { type SumsMergeBuffers, sumsMerge } from './sums-merge.js'
import { type SumsPartialBuffers, sumsPartial } from './sums-partial.js'

/**
 * `input` and `outputGradient` are [rows, channels]; `partials` as for the moments; `gradientMeans` is [2, channels], the
 * others [channels].
 */
export interface BatchNormSumsBuffers extends SumsPartialBuffers, SumsMergeBuffers {
  /** Where a ReLU follows whose zeros are seen in its output only, instead of `relu`; both [rows, channels]. */
  readonly masked: { readonly output: DeviceBuffer; readonly maskedGradient: DeviceBuffer } | undefined
}

/**
 * gradientSum = sum of dy, which is the bias's gradient; productSum = sum of dy * deviations, which is the weight's, with
 * deviations = (input - mean) / sqrt(variance + eps). Both sums run over all rows; gradientMeans is both of them divided by
 * the number of rows. dy is `outputGradient`, or 0 where a ReLU (`relu` or `masked`) gave 0; `masked.maskedGradient` gets it.
 */
export function batchNormSums(
  device: Device,
  buffers: BatchNormSumsBuffers,
  reduction: ColumnReduction,
  { eps }: { eps: number },
): void {
  const { masked } = buffers
  for (const window of reduction.windows) {
    if (masked) maskedSumsPartial(device, { ...buffers, ...masked }, reduction, window, eps)
    else sumsPartial(device, buffers, reduction, window, eps)
    sumsMerge(device, buffers, reduction, window)
  }
}
