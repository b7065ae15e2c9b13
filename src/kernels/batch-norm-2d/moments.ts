/** The moments of every channel of an image batch: the kernels `moments-partial` and `moments-merge` over all windows. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import type { ColumnReduction } from './column-reduction.js'
import { momentsMerge } from './moments-merge.js'
import { momentsPartial } from './moments-partial.js'

/**
 * moments[channel] = (mean - origin, sum of squared deviations) of `input` [rows, channels], where the origin is the first
 * row of `input`.
 *
 * @param buffers `partials` holds two f32 for each of `reduction.chunks * channels`, `moments` two for each channel
 * @param reduction planned for one operand
 */
export function batchNormMoments(
  device: Device,
  buffers: { input: DeviceBuffer; partials: DeviceBuffer; moments: DeviceBuffer },
  reduction: ColumnReduction,
): void {
  for (const window of reduction.windows) {
    momentsPartial(device, buffers, reduction, window)
    momentsMerge(device, { partials: buffers.partials, moments: buffers.moments }, reduction, window)
  }
}
