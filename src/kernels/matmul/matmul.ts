/**
 * Matrix products of contiguous matrices of f32 or f16, batched, with either operand transposed; any of the arrays may be
 * larger than a binding.
 */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/matmul/matmul.wgsl'
import type { RowWindow } from '../grid.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import { fitsAnywhere, type OffsetRange, offsetRange, offsetWindows } from '../offset-windows.js'
import { completeBindings, type Epilogue, epilogueBindings } from './epilogue.js'
import { innerProduct, innerProductUniforms } from './inner-product.js'
import type { ProductVariant } from './tiling.js'

const kernel = defineKernel({
  name: 'matmul/matmul',
  source,
  bindings: {
    left: readFloats('leftVectors'),
    right: readFloats('rightVectors'),
    ...epilogueBindings,
    output: writeFloats('vectors'),
  },
  uniforms: {
    ...innerProductUniforms,
    leftOffset: 'u32',
    leftBatchStride: 'u32',
    leftRowStride: 'u32',
    leftDepthStride: 'u32',
    rightOffset: 'u32',
    rightBatchStride: 'u32',
    rightColumnStride: 'u32',
    rightDepthStride: 'u32',
  },
})

export interface MatmulArguments {
  /** [batches, rows, depth], or [batches, depth, rows] where it is transposed. */
  readonly left: DeviceBuffer
  /** [batches, depth, columns], or [batches, columns, depth] where it is transposed. */
  readonly right: DeviceBuffer
  /** [batches, rows, columns]. */
  readonly output: DeviceBuffer
  /** What is done to the results; its scale and bias are [columns]. */
  readonly epilogue?: Epilogue | undefined
  readonly rows: number
  readonly columns: number
  readonly depth: number
  readonly transposeLeft?: boolean
  readonly transposeRight?: boolean
  /** 1 by default. */
  readonly batches?: number
  /** Whether there is only one left (right) matrix, which serves every batch. */
  readonly sharedLeft?: boolean
  readonly sharedRight?: boolean
  /** Whether the product is added to what the output holds. */
  readonly accumulate?: boolean
  /** One of `productVariantsFor`; by default what suits the device and the sizes. */
  readonly variant?: ProductVariant | undefined
}

type Dimension = 'batches' | 'rows' | 'columns' | 'depth'
type Windows = Readonly<Record<Dimension, RowWindow>>

/** A stack of matrices in memory. */
interface Operand {
  readonly buffer: DeviceBuffer
  readonly shared: boolean
  /** The dimensions of a matrix in memory order, and their lengths. */
  readonly dimensions: readonly [Dimension, Dimension]
  readonly lengths: readonly [number, number]
}

/** output = left * right (+ output) and what the epilogue adds, for each batch. */
export function matmul(device: Device, matmul: MatmulArguments): void {
  const { batches = 1, rows, columns, depth, accumulate = false } = matmul
  const lengths = { batches, rows, columns, depth }
  const operand = (buffer: DeviceBuffer, shared: boolean, ...dimensions: [Dimension, Dimension]): Operand => ({
    buffer,
    shared,
    dimensions,
    lengths: [lengths[dimensions[0]], lengths[dimensions[1]]],
  })
  const { sharedLeft = false, sharedRight = false } = matmul
  const left = matmul.transposeLeft
    ? operand(matmul.left, sharedLeft, 'depth', 'rows')
    : operand(matmul.left, sharedLeft, 'rows', 'depth')
  const right = matmul.transposeRight
    ? operand(matmul.right, sharedRight, 'columns', 'depth')
    : operand(matmul.right, sharedRight, 'depth', 'columns')
  const output = operand(matmul.output, false, 'rows', 'columns')

  for (const windows of windowsOf(device, lengths, [left, right, output])) {
    const [leftRange, rightRange] = [left, right].map((operand) => rangeOf(device, operand, windows))
    const results = placeOf(output, windows)
    const isLast = windows.depth.start + windows.depth.count === depth
    innerProduct(
      device,
      {
        batches: windows.batches.count,
        rows: windows.rows.count,
        columns: windows.columns.count,
        segments: 1,
        segmentLength: windows.depth.count,
      },
      {
        leftAlongDepth: !matmul.transposeLeft,
        rightAlongDepth: matmul.transposeRight ?? false,
        leftInFours: comesInFours(left, leftRange!, windows),
        rightInFours: comesInFours(right, rightRange!, windows),
        segmented: false,
      },
      {
        buffer: output.buffer,
        ...results,
        batchStride: rows * columns,
        rowStride: columns,
        accumulate: accumulate || windows.depth.start > 0,
        epilogue: isLast ? matmul.epilogue : undefined,
        columns: windows.columns,
      },
      matmul.variant,
      ({ template, uniforms, output, epilogue, workgroups, work }) =>
        kernel.dispatch(device, {
          template,
          bindings: {
            left: leftRange!.range,
            right: rightRange!.range,
            ...completeBindings(epilogue, rightRange!.range),
            output,
          },
          uniforms: {
            ...uniforms,
            leftOffset: leftRange!.offset,
            leftBatchStride: sharedLeft ? 0 : rows * depth,
            leftRowStride: matmul.transposeLeft ? 1 : depth,
            leftDepthStride: matmul.transposeLeft ? rows : 1,
            rightOffset: rightRange!.offset,
            rightBatchStride: sharedRight ? 0 : depth * columns,
            rightColumnStride: matmul.transposeRight ? depth : 1,
            rightDepthStride: matmul.transposeRight ? 1 : columns,
          },
          workgroups,
          work,
        }),
    )
  }
}

/**
 * Windows in which the part of every operand fits one binding. Matrices that fit are cut along the batches; larger ones
 * along their leading dimension, so that a window is contiguous. The depth comes last: its windows add up in the
 * output.
 */
function windowsOf(device: Device, lengths: Record<Dimension, number>, operands: readonly Operand[]): Windows[] {
  const matrixBytes = ({ lengths: [leading, trailing] }: Operand) => leading * trailing * 4
  const isWhole = (operand: Operand) =>
    matrixBytes(operand) * (operand.shared ? 1 : lengths.batches) <= device.limits.bindingSize
  const tooLarge = operands.filter((operand) => !isWhole(operand) && !fitsAnywhere(device, matrixBytes(operand)))
  const cut = (dimension: Dimension) =>
    offsetWindows(
      device,
      kernel.name,
      lengths[dimension],
      tooLarge.filter(({ dimensions }) => dimensions[0] === dimension).map(({ lengths: [, trailing] }) => trailing * 4),
    )
  const batches = offsetWindows(
    device,
    kernel.name,
    lengths.batches,
    tooLarge.length > 0 ? [] : operands.filter(({ shared }) => !shared).map(matrixBytes),
    tooLarge.length > 0 ? 1 : Infinity,
  )
  const windows: Windows[] = []
  for (const batch of batches) {
    for (const rows of cut('rows')) {
      for (const columns of cut('columns')) {
        for (const depth of cut('depth')) windows.push({ batches: batch, rows, columns, depth })
      }
    }
  }
  return windows
}

/** The first element of an operand's window, and the number of elements from there to its last one. */
function placeOf({ shared, dimensions, lengths }: Operand, windows: Windows): { start: number; extent: number } {
  const [leading, trailing] = [windows[dimensions[0]], windows[dimensions[1]]]
  const matrixSize = lengths[0] * lengths[1]
  const [firstBatch, batches] = shared ? [0, 1] : [windows.batches.start, windows.batches.count]
  return {
    start: firstBatch * matrixSize + leading.start * lengths[1] + trailing.start,
    extent: (batches - 1) * matrixSize + (leading.count - 1) * lengths[1] + trailing.count,
  }
}

function rangeOf(device: Device, operand: Operand, windows: Windows) {
  const { start, extent } = placeOf(operand, windows)
  return offsetRange(device, operand.buffer, start, extent)
}

/** Whether the rows of a matrix in memory consist of aligned fours. */
function comesInFours({ dimensions: [, trailing], lengths }: Operand, range: OffsetRange, windows: Windows): boolean {
  return [lengths[1], windows[trailing].count, range.offset].every((length) => length % 4 === 0)
}
