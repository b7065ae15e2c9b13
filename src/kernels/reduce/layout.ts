/**
 * How reductions see their input: [outer, extent, inner], of which the middle is reduced; how workgroups share it out, and
 * how it is cut into windows.
 */
import type { Device } from '../../device/device.js'
import { KernelError } from '../../device/errors.js'
import type { Workgroups } from '../../device/program.js'
import { linearGrid, type RowWindow } from '../grid.js'

export interface ReduceLayout {
  readonly outer: number
  readonly extent: number
  readonly inner: number
}

/**
 * The workgroup of a reduction: `columns` outputs of a chunk, each by `rows` invocations, or `columns` invocations that each
 * compute one output of any chunk. Both are powers of two.
 */
export interface ReduceTile {
  readonly rows: number
  readonly columns: number
}

/** How many positions an invocation reads one after the other before its sum meets those of others. */
const run = 32
/** From so many neighbours on, reading across the outputs is worth more than reading along the extent. */
const wideInner = 8
const wideColumns = 32

/**
 * One of a few, as each is a pipeline of its own: an invocation per output for short extents, up to 32 outputs next to each
 * other for medium extents and wide tensors, the whole workgroup for one output of a long extent. Barriers are slow on
 * software drivers, and take them long to compile: there it is always an invocation per output, in more passes.
 *
 * @param elements how many elements one of the layout has, where they come in vectors
 */
export function reduceTile(device: Device, { outer, extent, inner }: ReduceLayout, elements = 1): ReduceTile {
  const invocations = 2 ** Math.floor(Math.log2(device.workgroupSize))
  const columns = Math.min(wideColumns, invocations, 2 ** Math.ceil(Math.log2(outer * inner)))
  const mediumRows = invocations / columns
  if (extent <= run || device.adapter.kind === 'software') return { rows: 1, columns: invocations }
  if (extent <= mediumRows * run || inner * elements >= wideInner) return { rows: mediumRows, columns }
  return { rows: invocations, columns: 1 }
}

/** The template values of a tile, for reduce/part.wgsl. */
export function reduceTemplate(tile: ReduceTile): { rows: number; columns: number; tree: boolean } {
  return { ...tile, tree: tile.rows > 1 }
}

/** The grid for so many outputs of so many chunks. */
export function reduceGrid(device: Device, { rows, columns }: ReduceTile, outputs: number, chunks: number): Workgroups {
  return linearGrid(device, rows > 1 ? Math.ceil(outputs / columns) * chunks : Math.ceil((outputs * chunks) / columns))
}

/** How many positions of the extent one workgroup reduces. */
export function chunkLengthOf({ rows }: ReduceTile): number {
  return rows * run
}

/** A part of the input, and its place: `first` counts along `outer`, `firstPosition` along the extent. */
export interface ReduceWindow extends ReduceLayout {
  readonly first: number
  readonly firstPosition: number
}

/** Bytes per element of a reduction's operands. */
export interface ReduceOperands {
  /** The [outer, extent, inner] operand. */
  readonly full: number
  /** The operand with `inner` elements for each chunk, or the [outer, inner] operands. */
  readonly reduced: number
  /** Positions per chunk. A window of a part of the extent begins with a chunk; 1 by default. */
  readonly chunkLength?: number
}

/**
 * Cuts the input so that the window of every operand fits a binding: one window where everything fits, else windows of
 * some slices [extent, inner], or, where not even one fits, of a part of the extent of one slice.
 *
 * @throws KernelError when a chunk of one slice does not fit a binding, because `inner` is so long
 */
export function reduceWindows(
  device: Device,
  kernel: string,
  { outer, extent, inner }: ReduceLayout,
  { full, reduced, chunkLength = 1 }: ReduceOperands,
): ReduceWindow[] {
  const { bindingSize, offsetAlignment } = device.limits
  const sliceBytes = inner * Math.max(extent * full, Math.ceil(extent / chunkLength) * reduced)
  if (outer * sliceBytes <= bindingSize) return [{ outer, extent, inner, first: 0, firstPosition: 0 }]
  const capacity = bindingSize - offsetAlignment // see shiftedRange
  const slices = Math.floor(capacity / sliceBytes)
  if (slices > 0) {
    return starts(outer, slices).map((first) => ({
      outer: Math.min(slices, outer - first),
      extent,
      inner,
      first,
      firstPosition: 0,
    }))
  }
  const chunkBytes = inner * Math.max(chunkLength * full, reduced)
  const positions = Math.floor(capacity / chunkBytes) * chunkLength
  if (positions === 0) {
    throw new KernelError(
      kernel,
      `${chunkBytes} bytes that belong together do not fit a binding of ${bindingSize} bytes`,
    )
  }
  return starts(outer, 1).flatMap((first) =>
    starts(extent, positions).map((firstPosition) => ({
      outer: 1,
      extent: Math.min(positions, extent - firstPosition),
      inner,
      first,
      firstPosition,
    })),
  )
}

/** The window's part of the [outer, extent, inner] operand, in elements; `whole` is the layout that was cut. */
export function fullWindow({ first, firstPosition, ...part }: ReduceWindow, whole: ReduceLayout): RowWindow {
  return {
    start: (first * whole.extent + firstPosition) * whole.inner,
    count: part.outer * part.extent * part.inner,
  }
}

/** The window's part of an [outer, inner] operand, in elements. */
export function reducedWindow({ first, outer, inner }: ReduceWindow): RowWindow {
  return { start: first * inner, count: outer * inner }
}

/** The window's part of the [outer, chunks, inner] operand, in elements. */
export function chunksWindow(
  { first, firstPosition, outer, extent, inner }: ReduceWindow,
  whole: ReduceLayout,
  chunkLength: number,
): RowWindow {
  return {
    start: (first * Math.ceil(whole.extent / chunkLength) + firstPosition / chunkLength) * inner,
    count: outer * Math.ceil(extent / chunkLength) * inner,
  }
}

/** 0, step, 2 * step, ... below `length`. */
function starts(length: number, step: number): number[] {
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step)
}
