/**
 * Kernels that compute each element of [rows, channels] arrays from the same element of others and from what belongs to its
 * channel. An invocation stays with its column for some rows, so that it reads what belongs to the channel once, and needs
 * no division to find out which channel an element is of. Where the channels come in fours, a column is four of them.
 */
import type { BufferRange, DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { bytesPerFloat, floatRows, rowWindows } from '../grid.js'
import type { Kernel } from '../kernel.js'
import type { TemplateValues } from '../template.js'
import {
  columnsOf,
  type ColumnTile,
  lanesOf,
  powerOfTwoFrom,
  powerOfTwoUpTo,
  type RowsOfChannels,
  tileGrid,
} from './column-tile.js'

/** Uniforms that every such kernel has. */
export const mapUniforms = { rows: 'u32', columns: 'u32', rowsPerChunk: 'u32' } as const

export interface ColumnMap<B extends string, U extends string> {
  readonly buffers: Readonly<Record<B, DeviceBuffer>>
  /** Which of them belong to the channels: [channels], or several such arrays one after the other. The others have rows. */
  readonly perChannel: readonly B[]
  /** Uniforms besides `mapUniforms`. */
  readonly uniforms: Readonly<Record<Exclude<U, keyof typeof mapUniforms>, number>>
  /** Template values besides those of the tile and `vectors`. */
  readonly template?: TemplateValues
}

/** The most neighbouring columns of a workgroup: longer runs of memory gain nothing. */
const widestTile = 64
/** GPUs want many invocations; adapters on the CPU want work for each, because a load costs more than an addition. */
const wantedInvocations = { gpu: 2 ** 18, software: 2 ** 12 } as const
const mostRowsPerLane = { gpu: 8, software: 32 } as const

/**
 * Dispatches a kernel over its arrays; once, unless one of them is larger than a binding.
 * @throws KernelError when a row does not fit one binding
 */
export function dispatchColumnMap<B extends string, U extends string>(
  device: Device,
  kernel: Kernel<B, U>,
  { rows, channels }: RowsOfChannels,
  { buffers, perChannel, uniforms, template }: ColumnMap<B, U>,
): void {
  const { columns, vectors } = columnsOf(channels)
  const tile = mapTile(device, columns)
  const names = Object.keys(buffers) as B[]
  const rowBytes = names
    .filter((name) => !perChannel.includes(name))
    .map((name) => channels * bytesPerFloat(buffers[name]))
  for (const window of rowWindows(device, kernel.name, rows, rowBytes)) {
    const rowsPerChunk = lanesOf(tile) * rowsPerLane(device, window.count * columns)
    const bindings = names.map((name) => [
      name,
      perChannel.includes(name) ? buffers[name] : floatRows(buffers[name], window, channels),
    ])
    kernel.dispatch(device, {
      template: { ...tile, vectors, ...template },
      bindings: Object.fromEntries(bindings) as Record<B, DeviceBuffer | BufferRange>,
      uniforms: { rows: window.count, columns, rowsPerChunk, ...uniforms } as Record<U, number>,
      workgroups: tileGrid(device, tile, columns, Math.ceil(window.count / rowsPerChunk)),
      work: window.count * channels * 4,
    })
  }
}

function mapTile(device: Device, columns: number): ColumnTile {
  const workgroupSize = powerOfTwoUpTo(device.workgroupSize)
  return { workgroupSize, tileColumns: Math.min(widestTile, workgroupSize, powerOfTwoFrom(columns)) }
}

function rowsPerLane(device: Device, elements: number): number {
  const { kind } = device.adapter
  return Math.min(mostRowsPerLane[kind], Math.max(1, Math.floor(elements / wantedInvocations[kind])))
}
