/**
 * How the sums over the rows of a [rows, channels] array are cut: windows of rows that fit a binding, chunks of rows
 * within a window (one workgroup each), and tiles of channels.
 */
import type { Device } from '../../device/device.js'
import { type RowWindow, rowWindows } from '../grid.js'
import {
  columnsOf,
  type ColumnTile,
  lanesOf,
  powerOfTwoFrom,
  powerOfTwoUpTo,
  type RowsOfChannels,
  tileGrid,
} from './column-tile.js'

export interface ColumnReduction extends RowsOfChannels {
  readonly windows: readonly RowWindow[]
  readonly rowsPerChunk: number
  /** The most chunks that a window has; partial results take two f32 for each of `chunks * channels`. */
  readonly chunks: number
}

/** Enough neighbouring channels that a lane reads whole cache lines from the (large) arrays. */
const wideTile = 32
/** Partial results are few: more lanes, so that none has many to merge. */
const narrowTile = 8
/** About as many workgroups for each tile as keep the device busy; more only make more partial results. */
const wantedChunks = { gpu: 512, software: 16 } as const
/** Fewer rows are not worth a partial result; with more, too few invocations share the work. */
const rowsPerLane = { least: 16, most: 128 }
/** The largest array element in workgroup memory has three members of one column each. */
const sharedColumns = 3

/**
 * Plans a reduction over all rows of arrays of this shape.
 * @param half whether the arrays are f16
 * @throws KernelError when a row does not fit one binding
 */
export function planColumnReduction(
  device: Device,
  { rows, channels }: RowsOfChannels,
  half: boolean,
): ColumnReduction {
  const windows = rowWindows(device, 'batch-norm-2d', rows, [channels * (half ? 2 : 4)])
  const { columns, width } = columnsOf(channels)
  const lanes = lanesOf(reductionTile(device, columns, width, wideTile))
  const longest = windows[0]!.count
  const wanted = Math.ceil(longest / (lanes * wantedChunks[device.adapter.kind]))
  const rowsPerChunk = lanes * Math.min(rowsPerLane.most, Math.max(rowsPerLane.least, wanted))
  return { rows, channels, windows, rowsPerChunk, chunks: Math.ceil(longest / rowsPerChunk) }
}

/** The dispatch that reduces every chunk of a window to a partial result. */
export function partialDispatch(device: Device, { channels, rowsPerChunk }: ColumnReduction, window: RowWindow) {
  const { columns, width, vectors } = columnsOf(channels)
  const tile = reductionTile(device, columns, width, wideTile)
  const chunks = Math.ceil(window.count / rowsPerChunk)
  return {
    template: templateOf(tile, vectors),
    uniforms: { rows: window.count, columns, chunks, rowsPerChunk },
    workgroups: tileGrid(device, tile, columns, chunks),
    work: window.count * channels * 4,
  }
}

/** The dispatch that merges the partial results of a window, channel by channel, with each other and with those of earlier windows. */
export function mergeDispatch(device: Device, { rows, channels, rowsPerChunk }: ColumnReduction, window: RowWindow) {
  const tile = reductionTile(device, channels, 1, narrowTile)
  const chunks = Math.ceil(window.count / rowsPerChunk)
  return {
    template: templateOf(tile, false),
    uniforms: { rows: window.count, columns: channels, chunks, rowsPerChunk, earlierRows: window.start, allRows: rows },
    workgroups: tileGrid(device, tile, channels, 1),
    work: chunks * channels * 4,
  }
}

/**
 * On adapters that run on the CPU a channel has one lane: there a barrier costs more than the sums it splits, and the code
 * has none without a tree.
 */
function reductionTile(device: Device, columns: number, width: number, mostColumns: number): ColumnTile {
  if (device.adapter.kind === 'software') {
    const workgroupSize = Math.min(wideTile, powerOfTwoUpTo(device.workgroupSize), powerOfTwoFrom(columns))
    return { workgroupSize, tileColumns: workgroupSize }
  }
  const invocations = Math.min(
    device.workgroupSize,
    Math.floor(device.limits.workgroupMemory / (sharedColumns * width * 4)),
  )
  const workgroupSize = powerOfTwoUpTo(invocations)
  return { workgroupSize, tileColumns: Math.min(mostColumns, workgroupSize, powerOfTwoFrom(columns)) }
}

function templateOf({ workgroupSize, tileColumns }: ColumnTile, vectors: boolean) {
  return { workgroupSize, tileColumns, vectors, tree: workgroupSize > tileColumns }
}
