/** The moments of every channel of an image batch: the kernels `moments-partial` and `moments-merge` over all windows. */
import type { Device } from '../../device/device.js'
import type { UniformValue } from '../kernel.js'
import type { ColumnReduction } from './column-reduction.js'
import { type MomentsMergeBuffers, momentsMerge } from './moments-merge.js'
import { momentsPartial } from './moments-partial.js'

/**
 * `mean` and `variance` (the biased one) of `input` [rows, channels]; `runningMean` and `runningVar` move towards mean and
 * unbiased variance by the share `momentum`.
 *
 * @param buffers `partials` holds two f32 for each of `reduction.chunks * channels`, the others one for each channel
 */
export function batchNormMoments(
  device: Device,
  buffers: MomentsMergeBuffers,
  reduction: ColumnReduction,
  { momentum }: { momentum: UniformValue },
): void {
  for (const window of reduction.windows) {
    momentsPartial(device, buffers, reduction, window)
    momentsMerge(device, buffers, reduction, window, momentum)
  }
}
