/**
 * How workgroups cover a [rows, channels] array: tiles of neighbouring columns times chunks of rows. See
 * shaders/batch-norm-2d/column-tile.wgsl.
 */
import type { Device } from '../../device/device.js'
import type { Workgroups } from '../../device/program.js'
import { linearGrid } from '../grid.js'

/** An image batch [N, H, W, C] as a matrix: rows = N * H * W. */
export interface RowsOfChannels {
  readonly rows: number
  readonly channels: number
}

/** One workgroup's share: `tileColumns` columns, read by `workgroupSize / tileColumns` lanes. Both powers of two. */
export interface ColumnTile {
  readonly workgroupSize: number
  readonly tileColumns: number
}

/** Columns of four channels (the template value `vectors`) where that is possible, of one where not. */
export function columnsOf(channels: number): { columns: number; width: number; vectors: boolean } {
  const vectors = channels % 4 === 0
  const width = vectors ? 4 : 1
  return { columns: channels / width, width, vectors }
}

export const powerOfTwoUpTo = (value: number): number => 2 ** Math.floor(Math.log2(value))
export const powerOfTwoFrom = (value: number): number => 2 ** Math.ceil(Math.log2(value))

export function lanesOf({ workgroupSize, tileColumns }: ColumnTile): number {
  return workgroupSize / tileColumns
}

/** As many workgroups as cover `chunks` chunks of all columns. */
export function tileGrid(device: Device, { tileColumns }: ColumnTile, columns: number, chunks: number): Workgroups {
  return linearGrid(device, Math.ceil(columns / tileColumns) * chunks)
}
