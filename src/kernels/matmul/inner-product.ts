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
import { defaultProductVariant, type ProductVariant, shortestSplit, type Tiling, tilingOf } from './tiling.js'
import { bindEpilogue, type BoundEpilogue, type Epilogue, epilogueUniforms } from './epilogue.js'

/** The sizes of a product; its depth is segments * segmentLength. See the WGSL for what a segment is. */
export interface InnerProduct {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  readonly segments: number
  /** Segments are numbered row by row, this many in each; 1 by default. */
  readonly segmentsInRow?: number
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
  /** Whether neighbours in the depth are neighbours in memory; else neighbouring rows (columns) are. */
  readonly leftAlongDepth: boolean
  readonly rightAlongDepth: boolean
  /** Whether such neighbours come in aligned fours: lengths, strides and offsets are multiples of four. */
  readonly leftInFours: boolean
  readonly rightInFours: boolean
  /** Whether the depth may have more than one segment. */
  readonly segmented: boolean
  /** Whether the kernel says itself which row of the output a row of the results is; not by default. */
  readonly scattered?: boolean
}

/** The uniforms that inner-product.wgsl reads; a kernel's own ones are declared beside them. */
export const innerProductUniforms = {
  batches: 'u32',
  rows: 'u32',
  columns: 'u32',
  depth: 'u32',
  segmentLength: 'u32',
  segmentsInRow: 'u32',
  splits: 'u32',
  depthPerSplit: 'u32',
  splitStride: 'u32',
  outputOffset: 'u32',
  outputBatchStride: 'u32',
  outputRowStride: 'u32',
  ...epilogueUniforms,
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
 *
 * @param variant by default what suits the device and the sizes
 */
export function innerProduct(
  device: Device,
  product: InnerProduct,
  order: OperandOrder,
  output: InnerProductOutput,
  variant: ProductVariant | undefined,
  dispatch: (dispatch: InnerProductDispatch) => void,
): void {
  const { batches, rows, columns, segmentLength } = product
  const depth = product.segments * segmentLength
  const tiling = tilingFor(device, product, variant)
  const tiles = Math.ceil(rows / tiling.rows) * Math.ceil(columns / tiling.columns)
  const wanted = splitsFor(device, product, output, tiles)
  const depthPerSplit = Math.ceil(depth / wanted / splitGranularity) * splitGranularity
  const splits = Math.ceil(depth / depthPerSplit)
  const partials = splits > 1 ? device.allocate(splits * output.extent * 4) : undefined
  const results = offsetRange(device, output.buffer, output.start, output.extent)
  // parts of results are stored as they are
  const epilogue = bindEpilogue(device, partials ? {} : (output.epilogue ?? {}), output)
  const { segmented, scattered = false } = order
  const tileDepth = Number(tiling.template.tileDepth)
  const outputOffset = partials ? 0 : results.offset
  const { biasOffset } = epilogue.uniforms
  const places = [columns, output.extent, output.batchStride, output.rowStride, outputOffset, biasOffset]
  dispatch({
    template: {
      ...tiling.template,
      ...loadsOf(tiling, order, segmentLength),
      segmented,
      scattered,
      slicesInSegments: !segmented || segmentLength % tileDepth === 0,
      wholeSlices: depth % tileDepth === 0,
      vectors: tiling.vectors && places.every((place) => place % 4 === 0),
      ...epilogue.template,
      accumulate: !partials && output.accumulate,
    },
    uniforms: {
      batches,
      rows,
      columns,
      depth,
      segmentLength,
      segmentsInRow: product.segmentsInRow ?? 1,
      splits,
      depthPerSplit,
      splitStride: partials ? output.extent : 0,
      outputOffset,
      outputBatchStride: output.batchStride,
      outputRowStride: output.rowStride,
      ...epilogue.uniforms,
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

/** How operands are loaded: as vectors or not, and how many steps of the depth at a time. */
function loadsOf(tiling: Tiling, order: OperandOrder, segmentLength: number) {
  const { sharedMemory, eightLanes, narrow } = tiling.template
  const { leftAlongDepth, rightAlongDepth } = order
  const isPossible = (inFours: boolean, alongDepth: boolean) =>
    inFours && (alongDepth ? tiling.vectorsAlongDepth : tiling.vectors)
  const [left, right] = [isPossible(order.leftInFours, leftAlongDepth), isPossible(order.rightInFours, rightAlongDepth)]
  // four steps of single numbers would take drivers twice as long to compile
  const fourSteps = eightLanes === true && segmentLength % 4 === 0 && left && (right || narrow === true)
  const leftVectors = left && (!leftAlongDepth || sharedMemory === true || fourSteps)
  const rightVectors = right && (!rightAlongDepth || sharedMemory === true || fourSteps)
  return {
    // what no code depends on must not make other pipelines
    leftAlongDepth: sharedMemory === true && leftAlongDepth,
    rightAlongDepth: sharedMemory === true && rightAlongDepth,
    leftVectors,
    rightVectors,
    leftTransposed: leftVectors && leftAlongDepth,
    rightTransposed: rightVectors && rightAlongDepth,
    fourSteps,
  }
}

function tilingFor(device: Device, product: InnerProduct, variant: ProductVariant | undefined): Tiling {
  const depth = product.segments * product.segmentLength
  const wanted = tilingOf(device, variant ?? defaultProductVariant(device, { ...product, depth }), product.columns)
  return wanted ?? tilingOf(device, 'registers', product.columns)!
}

/** The depth is split at multiples of this, so that four neighbours stay together. */
const splitGranularity = 16

/** Into how many parts the depth should be split. */
function splitsFor(device: Device, product: InnerProduct, { extent }: InnerProductOutput, tiles: number): number {
  const { batches, rows, columns, segments, segmentLength } = product
  // the parts must be whole arrays of results, or adding them would touch what lies between
  if (extent > batches * rows * columns) return 1
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
