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

/** The element type of arrays that are read by columns: the template value `value`. */
export const columnElement = '${value}'

/** Columns of four channels where that is possible, of one where not; and what the templates say of them. */
export function columnsOf(channels: number): { columns: number; width: number; value: string } {
  return channels % 4 === 0
    ? { columns: channels / 4, width: 4, value: 'vec4<f32>' }
    : { columns: channels, width: 1, value: 'f32' }
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
