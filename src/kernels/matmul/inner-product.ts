/**
 * What all kernels that include shaders/matmul/inner-product.wgsl have in common: how their results are covered with
 * tiles, when their depth is split among workgroups, and the uniforms and template values that say so.
 */
import type { BufferRange, DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import type { Workgroups } from '../../device/program.js'
import { linearGrid } from '../grid.js'
import type { UniformType } from '../kernel.js'
import { offsetRange } from '../offset-windows.js'
import { combine } from './combine.js'
import { bindEpilogue, type BoundEpilogue, type Epilogue } from './epilogue.js'

/** The sizes of a product; its depth is segments * segmentLength. See the WGSL for what a segment is. */
export interface InnerProduct {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  readonly segments: number
  readonly segmentLength: number
}

/**
 * Where the results go: result [batch, row, column] is element start + batch * batchStride + row * rowStride + column.
 */
export interface InnerProductOutput {
  readonly buffer: DeviceBuffer
  readonly start: number
  /** The number of elements from the first result to the last one. */
  readonly extent: number
  readonly batchStride: number
  readonly rowStride: number
  /** Whether the results are added to what is there. */
  readonly accumulate: boolean
  /** Its scale and bias have one element for each column of each batch, counted along a row of the output. */
  readonly epilogue?: Epilogue | undefined
  /** The elements of scale and bias that belong to these results. */
  readonly columns: { readonly start: number; readonly count: number }
}

/** What a kernel's code depends on. */
export interface OperandOrder {
  /** Whether neighbours in the depth are neighbours in memory. */
  readonly leftAlongDepth: boolean
  readonly rightAlongDepth: boolean
  /** Whether the depth may have more than one segment. */
  readonly segmented: boolean
}

/** The uniforms that inner-product.wgsl reads; a kernel's own ones are declared beside them. */
export const innerProductUniforms = {
  batches: 'u32',
  rows: 'u32',
  columns: 'u32',
  depth: 'u32',
  segmentLength: 'u32',
  splits: 'u32',
  depthPerSplit: 'u32',
  splitStride: 'u32',
  outputOffset: 'u32',
  outputBatchStride: 'u32',
  outputRowStride: 'u32',
  biasOffset: 'u32',
} as const satisfies Record<string, UniformType>

/** What a kernel's dispatch needs besides its operands. */
export interface InnerProductDispatch {
  readonly template: Readonly<Record<string, boolean | number>>
  readonly uniforms: Readonly<Record<keyof typeof innerProductUniforms, number>>
  readonly output: BufferRange
  readonly epilogue: BoundEpilogue['bindings']
  readonly workgroups: Workgroups
  readonly work: number
}

/**
 * Calls `dispatch` with all that an inner product needs to know. Where there are too few tiles to keep the device busy,
 * the depth is split, and the parts are added by a second kernel, always in the same order.
 */
export function innerProduct(
  device: Device,
  product: InnerProduct,
  order: OperandOrder,
  output: InnerProductOutput,
  dispatch: (dispatch: InnerProductDispatch) => void,
): void {
  const { batches, rows, columns, segmentLength } = product
  const depth = product.segments * segmentLength
  const tiling = tilingFor(device, columns)
  const tiles = Math.ceil(rows / tiling.rows) * Math.ceil(columns / tiling.columns)
  const wanted = splitsFor(device, product, output, tiles)
  const depthPerSplit = Math.ceil(depth / wanted)
  const splits = Math.ceil(depth / depthPerSplit)
  const partials = splits > 1 ? device.allocate(splits * output.extent * 4) : undefined
  const results = offsetRange(device, output.buffer, output.start, output.extent)
  // parts of results are stored as they are
  const epilogue = bindEpilogue(device, partials ? {} : (output.epilogue ?? {}), output)
  dispatch({
    template: {
      ...tiling.template,
      ...order,
      ...epilogue.template,
      accumulate: !partials && output.accumulate,
    },
    uniforms: {
      batches,
      rows,
      columns,
      depth,
      segmentLength,
      splits,
      depthPerSplit,
      splitStride: partials ? output.extent : 0,
      outputOffset: partials ? 0 : results.offset,
      outputBatchStride: output.batchStride,
      outputRowStride: output.rowStride,
      biasOffset: epilogue.biasOffset,
    },
    output: partials ? offsetRange(device, partials, 0, splits * output.extent).range : results.range,
    epilogue: epilogue.bindings,
    workgroups: linearGrid(device, tiles * splits * batches),
    work: 2 * batches * rows * columns * depth,
  })
  if (!partials) return
  combine(device, { partials, splits, output })
  partials.release()
}

interface Tiling {
  readonly template: Readonly<Record<string, boolean | number>>
  /** The size of a workgroup's tile of results. */
  readonly rows: number
  readonly columns: number
}

/**
 * The tile of a workgroup. On GPUs it goes through shared memory. On adapters that run on the CPU, barriers are dear and
 * loads are gathers: there a subgroup shares what its lanes load, or, where subgroups are unknown, every invocation
 * reads its operands directly. docs/performance.md has the figures.
 */
function tilingFor(device: Device, columns: number): Tiling {
  if (device.adapter.kind === 'gpu') return tilingOf(device, columns, true)
  const { subgroupSize } = device.adapter
  if (subgroupSize !== 4 && subgroupSize !== 8) return tilingOf(device, columns, false)
  return {
    template: {
      sharedMemory: false,
      subgroupSize,
      eightLanes: subgroupSize === 8,
      tileWidth: subgroupSize,
      tileHeight: 1,
      tileDepth: 1,
    },
    rows: 4 * subgroupSize,
    columns: 4 * subgroupSize,
  }
}

/** A tile of invocations with 4 x 4 (shared memory) or 8 x 8 results each. Few columns get a narrow tile. */
function tilingOf(device: Device, columns: number, sharedMemory: boolean): Tiling {
  const resultsPerSide = sharedMemory ? 4 : 8
  const invocations = Math.min(sharedMemory ? 256 : 8, device.limits.workgroupInvocations)
  const square = 2 ** Math.floor(Math.log2(invocations) / 2)
  const [wide, narrow] = sharedMemory ? [square, 4] : [4, 1]
  const tileWidth = Math.min(columns <= 16 ? narrow : wide, invocations)
  const tileHeight = Math.min(16, Math.floor(invocations / tileWidth))
  const bytesPerDepth = (tileWidth + tileHeight) * resultsPerSide * 4
  const tileDepth = Math.min(16, Math.floor(device.limits.workgroupMemory / bytesPerDepth))
  return {
    template: { sharedMemory, subgroupSize: 0, eightLanes: false, tileWidth, tileHeight, tileDepth },
    rows: tileHeight * resultsPerSide,
    columns: tileWidth * resultsPerSide,
  }
}

/** Below this depth a workgroup has too little to do for its results to be worth another pass. */
const shortestSplit = 256

/** Into how many parts the depth should be split. */
function splitsFor(device: Device, product: InnerProduct, { extent }: InnerProductOutput, tiles: number): number {
  const { batches, rows, columns, segments, segmentLength } = product
  // the parts must be whole arrays of results, or adding them would touch what lies between
  if (extent !== batches * rows * columns) return 1
  const workgroups = device.adapter.kind === 'gpu' ? 256 : 16
  return Math.max(
    1,
    Math.min(
      Math.floor(workgroups / (tiles * batches)),
      Math.floor((segments * segmentLength) / shortestSplit),
      Math.floor(device.limits.bindingSize / (extent * 4)),
    ),
  )
}
