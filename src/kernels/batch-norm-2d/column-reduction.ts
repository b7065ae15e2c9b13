/**
 * How the sums over the rows of a [rows, channels] array are cut: windows of rows that fit a binding, chunks of rows
 * within a window (one workgroup each), and tiles of channels. See shaders/batch-norm-2d/column-tile.wgsl.
 */
import type { Device } from '../../device/device.js'
import type { Workgroups } from '../../device/program.js'
import { linearGrid, type RowWindow, rowWindows } from '../grid.js'

/** An image batch [N, H, W, C] as a matrix: rows = N * H * W. */
export interface RowsOfChannels {
  readonly rows: number
  readonly channels: number
}

export interface ColumnReduction extends RowsOfChannels {
  readonly windows: readonly RowWindow[]
  readonly rowsPerChunk: number
  /** The most chunks that a window has; partial results take two f32 for each of `chunks * channels`. */
  readonly chunks: number
}

/** One workgroup's share: `tileChannels` channels, read by `workgroupSize / tileChannels` lanes. Both powers of two. */
interface ColumnTile {
  readonly workgroupSize: number
  readonly tileChannels: number
}

/** Enough neighbouring channels that a lane reads whole cache lines from the (large) arrays. */
const wideTile = 32
/** Partial results are few: more lanes, so that none has many to merge. */
const narrowTile = 8
/** About as many workgroups for each tile as keep the device busy; more only make more partial results. */
const wantedChunks = { gpu: 512, software: 16 } as const
/** Fewer rows are not worth a partial result; with more, too few invocations share the work. */
const rowsPerLane = { least: 16, most: 128 }
/** The largest array element in workgroup memory, a vec3<f32>. */
const sharedElementBytes = 16

/**
 * Plans a reduction over all rows of `operands` arrays of the same shape.
 * @throws KernelError when a row does not fit one binding
 */
export function planColumnReduction(
  device: Device,
  { rows, channels }: RowsOfChannels,
  operands: number,
): ColumnReduction {
  const rowBytes = new Array<number>(operands).fill(channels * 4)
  const windows = rowWindows(device, 'batch-norm-2d', rows, rowBytes)
  const { workgroupSize, tileChannels } = columnTile(device, channels, wideTile)
  const lanes = workgroupSize / tileChannels
  const longest = windows[0]!.count
  const wanted = Math.ceil(longest / (lanes * wantedChunks[device.adapter.kind]))
  const rowsPerChunk = lanes * Math.min(rowsPerLane.most, Math.max(rowsPerLane.least, wanted))
  return { rows, channels, windows, rowsPerChunk, chunks: Math.ceil(longest / rowsPerChunk) }
}

/** The dispatch that reduces every chunk of a window to a partial result. */
export function partialDispatch(device: Device, { channels, rowsPerChunk }: ColumnReduction, window: RowWindow) {
  const tile = columnTile(device, channels, wideTile)
  const chunks = Math.ceil(window.count / rowsPerChunk)
  return {
    template: templateOf(tile),
    uniforms: { rows: window.count, channels, chunks, rowsPerChunk },
    workgroups: tileGrid(device, tile, channels, chunks),
    work: window.count * channels * 4,
  }
}

/** The dispatch that merges the partial results of a window with each other and with those of earlier windows. */
export function mergeDispatch(device: Device, { channels, rowsPerChunk }: ColumnReduction, window: RowWindow) {
  const tile = columnTile(device, channels, narrowTile)
  const chunks = Math.ceil(window.count / rowsPerChunk)
  return {
    template: templateOf(tile),
    uniforms: { rows: window.count, channels, chunks, rowsPerChunk, earlierRows: window.start },
    workgroups: tileGrid(device, tile, channels, 1),
    work: chunks * channels * 4,
  }
}

/**
 * On adapters that run on the CPU a channel has one lane: there a barrier costs more than the sums it splits, and the code
 * has none without a tree.
 */
function columnTile(device: Device, channels: number, mostChannels: number): ColumnTile {
  const powerOfTwoChannels = 2 ** Math.ceil(Math.log2(channels))
  if (device.adapter.kind === 'software') {
    const workgroupSize = Math.min(wideTile, 2 ** Math.floor(Math.log2(device.workgroupSize)), powerOfTwoChannels)
    return { workgroupSize, tileChannels: workgroupSize }
  }
  const invocations = Math.min(device.workgroupSize, Math.floor(device.limits.workgroupMemory / sharedElementBytes))
  const workgroupSize = 2 ** Math.floor(Math.log2(invocations))
  return { workgroupSize, tileChannels: Math.min(mostChannels, workgroupSize, powerOfTwoChannels) }
}

function templateOf({ workgroupSize, tileChannels }: ColumnTile) {
  return { workgroupSize, tileChannels, tree: workgroupSize > tileChannels }
}

function tileGrid(device: Device, { tileChannels }: ColumnTile, channels: number, chunks: number): Workgroups {
  return linearGrid(device, Math.ceil(channels / tileChannels) * chunks)
}
