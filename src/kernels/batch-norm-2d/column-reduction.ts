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
/** About as many workgroups for each tile as keep a GPU busy; more only make more partial results. */
const wantedChunks = 512
/** Fewer rows are not worth a partial result; with more, the shifted sums in moments-partial.wgsl lose digits. */
const rowsPerLane = { least: 16, most: 256 }
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
  const wanted = Math.ceil(longest / (lanes * wantedChunks))
  const rowsPerChunk = lanes * Math.min(rowsPerLane.most, Math.max(rowsPerLane.least, wanted))
  return { rows, channels, windows, rowsPerChunk, chunks: Math.ceil(longest / rowsPerChunk) }
}

/** The dispatch that reduces every chunk of a window to a partial result. */
export function partialDispatch(device: Device, { channels, rowsPerChunk }: ColumnReduction, window: RowWindow) {
  const tile = columnTile(device, channels, wideTile)
  const chunks = Math.ceil(window.count / rowsPerChunk)
  return {
    template: { ...tile },
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
    template: { ...tile },
    uniforms: { rows: window.count, channels, chunks, rowsPerChunk, earlierRows: window.start },
    workgroups: tileGrid(device, tile, channels, 1),
    work: chunks * channels * 4,
  }
}

function columnTile(device: Device, channels: number, mostChannels: number): ColumnTile {
  const invocations = Math.min(device.workgroupSize, Math.floor(device.limits.workgroupMemory / sharedElementBytes))
  const workgroupSize = 2 ** Math.floor(Math.log2(invocations))
  const tileChannels = Math.min(mostChannels, workgroupSize, 2 ** Math.ceil(Math.log2(channels)))
  return { workgroupSize, tileChannels }
}

function tileGrid(device: Device, { tileChannels }: ColumnTile, channels: number, chunks: number): Workgroups {
  return linearGrid(device, Math.ceil(channels / tileChannels) * chunks)
}
