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
  /** Invocations per line, a power of two: 1, some, or the whole workgroup. */
  readonly lanes: number
}

/** Up to this length an invocation has a line for itself, and neighbours have neighbouring lines. */
const shortLine = 32
/** Up to this length 32 lines share a workgroup. */
const mediumLine = 256
const linesPerWorkgroup = 32

/** One of three, as each is a pipeline of its own. Fewer lanes mean fewer barriers, which software drivers are slow at. */
export function lineTile(device: Device, length: number): LineTile {
  const workgroupSize = 2 ** Math.floor(Math.log2(device.workgroupSize))
  if (length <= shortLine) return { workgroupSize, lanes: 1 }
  if (length <= mediumLine) return { workgroupSize, lanes: Math.max(1, workgroupSize / linesPerWorkgroup) }
  return { workgroupSize, lanes: workgroupSize }
}

/** Workgroups for `lines` lines; see common/linear-index.wgsl. */
export function lineGrid(device: Device, lines: number, { workgroupSize, lanes }: LineTile): Workgroups {
  return linearGrid(device, Math.ceil((lines * lanes) / workgroupSize))
}
