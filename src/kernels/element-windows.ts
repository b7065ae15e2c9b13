/**
 * Windows for kernels that move elements to other places (permute, pad, concat). Cutting their input and their output
 * along the leading dimension does not pair the two, so such a kernel runs once for each pair of windows and leaves out
 * what lies in another pair. Any rearrangement of tensors larger than one binding works so; where both fit, which is the
 * common case, there is one pair.
 */
import type { Device } from '../device/device.js'
import { rowWindows, type RowWindow } from './grid.js'

/** A window of the input and one of the output, both in elements. */
export interface ElementWindows {
  readonly input: RowWindow
  readonly output: RowWindow
}

/** Every pair of a window of `sizes.input` elements and a window of `sizes.output` elements, of four bytes by default. */
export function elementWindows(
  device: Device,
  kernel: string,
  sizes: { readonly input: number; readonly output: number },
  elementBytes = 4,
): ElementWindows[] {
  const inputs = rowWindows(device, kernel, sizes.input, [elementBytes])
  const outputs = rowWindows(device, kernel, sizes.output, [elementBytes])
  return outputs.flatMap((output) => inputs.map((input) => ({ input, output })))
}
