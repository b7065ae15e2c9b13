/** The kernel families that are tuned. */
import type { Device } from '../device/device.js'
import { conv2dTunable } from './conv2d.js'
import { matmulTunable } from './matmul.js'

/** What tells whether measured times are those of these kernels. */
export interface TunedFamily {
  readonly family: string
  code(device: Device): string
}

export const tunedFamilies: readonly TunedFamily[] = [conv2dTunable, matmulTunable]
