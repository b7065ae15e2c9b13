/** What loss scaling tells the optimizer's kernels. */
import type { DeviceBuffer } from '../../device/buffer.js'

/**
 * u32 [4]:
 *
 * - 0: whether a gradient is not finite, so that nothing may be changed,
 * - 1: the steps in a row in which all were finite,
 * - 2: the steps that were left out; the numbers of steps that come from the host count them,
 * - 3: the bits of the f32 that gradients are to be multiplied by.
 */
export type StepGuard = DeviceBuffer
