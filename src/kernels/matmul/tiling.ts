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
  /** Whether results may be written as vectors of four, and operands read so across the depth, and along it. */
  readonly vectors: boolean
  readonly vectorsAlongDepth: boolean
}

const noTile = {
  sharedMemory: false,
  subgroupSize: 0,
  eightLanes: false,
  narrow: false,
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
      return subgroupTiling(device, columns)
    case 'registers':
      return registerTiling(device, columns)
  }
}

/** The variants that the device can run. */
export function productVariantsFor(device: Device): readonly ProductVariant[] {
  return productVariants.filter((variant) => tilingOf(device, variant, 64) !== undefined)
}

/** Below this depth a workgroup has too little to do for its results to be worth another pass. */
export const shortestSplit = 256

/** What to take for products that nobody has measured. */
export function defaultProductVariant(
  device: Device,
  sizes: { readonly rows: number; readonly columns: number; readonly batches: number; readonly depth: number },
): ProductVariant {
  const { rows, columns, batches, depth } = sizes
  if (device.adapter.kind === 'software') return subgroupTiling(device, columns) ? 'subgroups' : 'registers'
  // large tiles read less, but a GPU wants many of them
  const tiles = Math.ceil(rows / 64) * Math.ceil(columns / 128) * batches
  const workgroups = tiles * Math.max(1, Math.floor(depth / shortestSplit))
  return columns > narrowColumns.small && workgroups >= fewestWorkgroups ? 'shared-8x8' : 'shared-4x4'
}

/** So many workgroups of large tiles keep the multiprocessors of a large GPU busy. */
const fewestWorkgroups = 96

/** A workgroup of a tile in shared memory: invocations, and how deep its slices are. See docs/performance.md. */
const workgroups = {
  /** 64 x 64 results. */
  small: { invocations: 256, tileDepth: 16 },
  /** 64 x 128 results, or 128 x 64. */
  large: { invocations: 128, tileDepth: 8 },
} as const
/** Up to so many columns, a tile is as narrow as that. */
const narrowColumns = { small: 16, large: 64 } as const

function sharedTiling(
  device: Device,
  columns: number,
  rowsPerInvocation: 4 | 8,
  columnsPerInvocation: 4 | 8,
): Tiling | undefined {
  const size = rowsPerInvocation === 8 ? 'large' : 'small'
  const { invocations: wanted, tileDepth } = workgroups[size]
  const invocations = 2 ** Math.floor(Math.log2(Math.min(wanted, device.limits.workgroupInvocations)))
  const wide = 2 ** Math.ceil(Math.log2(invocations) / 2)
  const tileWidth = columns <= narrowColumns[size] ? Math.min(wide, narrowColumns[size] / columnsPerInvocation) : wide
  const tileHeight = Math.min(16, invocations / tileWidth)
  const [rows, width] = [tileHeight * rowsPerInvocation, tileWidth * columnsPerInvocation]
  if (4 * tileDepth * (rows + width) > device.limits.workgroupMemory) return undefined
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
    vectorsAlongDepth: true,
  }
}

/** Four rows and four columns for each lane; two columns where there are few. */
function subgroupTiling({ adapter: { subgroupSize } }: Device, columns: number): Tiling | undefined {
  if (subgroupSize !== 4 && subgroupSize !== 8) return undefined
  const narrow = columns <= 2 * subgroupSize
  return {
    template: { ...noTile, subgroupSize, eightLanes: subgroupSize === 8, narrow },
    rows: 4 * subgroupSize,
    columns: (narrow ? 2 : 4) * subgroupSize,
    vectors: !narrow,
    vectorsAlongDepth: subgroupSize === 8, // slower on SwiftShader, which has four lanes
  }
}

/** 8 x 8 results per invocation; few columns get a narrow tile. */
function registerTiling(device: Device, columns: number): Tiling {
  const invocations = Math.min(8, device.limits.workgroupInvocations)
  const tileWidth = Math.min(columns <= narrowColumns.small ? 1 : 4, invocations)
  const tileHeight = Math.floor(invocations / tileWidth)
  return {
    template: { ...noTile, tileWidth, tileHeight },
    rows: tileHeight * 8,
    columns: tileWidth * 8,
    vectors: false,
    vectorsAlongDepth: false,
  }
}
