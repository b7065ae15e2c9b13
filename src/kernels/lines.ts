/**
 * Kernels that look at a whole line of elements at once, such as softmax: how many invocations share a line, and the
 * grid that gives every line its invocations.
 */
import type { Device } from '../device/device.js'
import type { Workgroups } from '../device/program.js'
import { linearGrid } from './grid.js'

export interface LineTile {
  /** A power of two. */
  readonly workgroupSize: number
  /** Invocations per line: 1, or the whole workgroup. */
  readonly lanes: number
}

/** Up to this length an invocation has a line for itself, and neighbours have neighbouring lines. */
const shortLine = 32

export function lineTile(device: Device, length: number): LineTile {
  const workgroupSize = 2 ** Math.floor(Math.log2(device.workgroupSize))
  return { workgroupSize, lanes: length <= shortLine ? 1 : workgroupSize }
}

/** Workgroups for `lines` lines; see common/linear-index.wgsl. */
export function lineGrid(device: Device, lines: number, { workgroupSize, lanes }: LineTile): Workgroups {
  return linearGrid(device, Math.ceil((lines * lanes) / workgroupSize))
}
