/**
 * How a matrix product is cut into tiles: the variants of the inner product (shaders/matmul/inner-product.wgsl), and how many
 * results an invocation and a workgroup compute. docs/performance.md has the figures.
 */
import type { Device } from '../../device/device.js'

/**
 * - `shared-4x4`, `shared-8x4`, `shared-8x8`: a tile in shared memory, so many rows and columns per invocation: for GPUs;
 * - `subgroups`: the lanes of a subgroup share what they load: for drivers that run on the CPU, where barriers are dear and
 *   loads are gathers;
 * - `registers`: every invocation reads its operands directly: for the same where subgroups are unknown.
 */
export const productVariants = ['shared-4x4', 'shared-8x4', 'shared-8x8', 'subgroups', 'registers'] as const
export type ProductVariant = (typeof productVariants)[number]

export interface Tiling {
  readonly template: Readonly<Record<string, boolean | number>>
  /** The size of a workgroup's tile of results. */
  readonly rows: number
  readonly columns: number
  /** Whether operands and results may be read and written as vectors of four. */
  readonly vectors: boolean
}

const noTile = {
  sharedMemory: false,
  subgroupSize: 0,
  eightLanes: false,
  eightRows: false,
  eightColumns: false,
  rowsPerInvocation: 0,
  columnsPerInvocation: 0,
  tileWidth: 1,
  tileHeight: 1,
  tileDepth: 1,
}

/** The tiling of a variant for a product with so many columns; undefined where the device cannot run it. */
export function tilingOf(device: Device, variant: ProductVariant, columns: number): Tiling | undefined {
  switch (variant) {
    case 'shared-4x4':
      return sharedTiling(device, columns, 4, 4)
    case 'shared-8x4':
      return sharedTiling(device, columns, 8, 4)
    case 'shared-8x8':
      return sharedTiling(device, columns, 8, 8)
    case 'subgroups':
      return subgroupTiling(device)
    case 'registers':
      return registerTiling(device, columns)
  }
}

/** The variants that the device can run. */
export function productVariantsFor(device: Device): readonly ProductVariant[] {
  return productVariants.filter((variant) => tilingOf(device, variant, 64) !== undefined)
}

/** What to take for products that nobody has measured. */
export function defaultProductVariant(
  device: Device,
  { rows, columns, batches }: { readonly rows: number; readonly columns: number; readonly batches: number },
): ProductVariant {
  if (device.adapter.kind === 'software') return subgroupTiling(device) ? 'subgroups' : 'registers'
  // large tiles read less, but a GPU wants some hundreds of them
  const tiles = (rowsPerTile: number, columnsPerTile: number) =>
    Math.ceil(rows / rowsPerTile) * Math.ceil(columns / columnsPerTile) * batches
  return columns > 64 && tiles(128, 128) >= fewestTiles ? 'shared-8x8' : 'shared-4x4'
}

/** So many workgroups keep the multiprocessors of a large GPU busy. */
const fewestTiles = 96

/** Invocations of a tile in shared memory, where the device allows them. */
const sharedInvocations = 256
/** Of the smallest tile that is not wasted on so many columns. */
const narrowColumns = 16

function sharedTiling(
  device: Device,
  columns: number,
  rowsPerInvocation: 4 | 8,
  columnsPerInvocation: 4 | 8,
): Tiling | undefined {
  const invocations = Math.min(sharedInvocations, device.limits.workgroupInvocations)
  const square = 2 ** Math.floor(Math.log2(invocations) / 2)
  // of a narrow tile with more rows per invocation, there would be more to copy than invocations that copy
  const narrow = columns <= narrowColumns && rowsPerInvocation === 4
  const tileWidth = narrow ? Math.min(square, narrowColumns / columnsPerInvocation) : square
  const tileHeight = square
  const [rows, width] = [tileHeight * rowsPerInvocation, tileWidth * columnsPerInvocation]
  // every invocation copies at most one quad of each operand; there are two copies of both
  const bytesPerDepth = 2 * 4 * (rows + width)
  const quads = Math.floor((4 * tileWidth * tileHeight) / Math.max(rows, width))
  const tileDepth = 4 * Math.floor(Math.min(quads, device.limits.workgroupMemory / bytesPerDepth) / 4)
  if (tileDepth < 4) return undefined
  return {
    template: {
      ...noTile,
      sharedMemory: true,
      eightRows: rowsPerInvocation === 8,
      eightColumns: columnsPerInvocation === 8,
      rowsPerInvocation,
      columnsPerInvocation,
      tileWidth,
      tileHeight,
      tileDepth,
    },
    rows,
    columns: width,
    vectors: true,
  }
}

function subgroupTiling({ adapter: { subgroupSize } }: Device): Tiling | undefined {
  if (subgroupSize !== 4 && subgroupSize !== 8) return undefined
  return {
    template: { ...noTile, subgroupSize, eightLanes: subgroupSize === 8 },
    rows: 4 * subgroupSize,
    columns: 4 * subgroupSize,
    vectors: false,
  }
}

/** 8 x 8 results per invocation; few columns get a narrow tile. */
function registerTiling(device: Device, columns: number): Tiling {
  const invocations = Math.min(8, device.limits.workgroupInvocations)
  const tileWidth = Math.min(columns <= narrowColumns ? 1 : 4, invocations)
  const tileHeight = Math.floor(invocations / tileWidth)
  return {
    template: { ...noTile, tileWidth, tileHeight },
    rows: tileHeight * 8,
    columns: tileWidth * 8,
    vectors: false,
  }
}
