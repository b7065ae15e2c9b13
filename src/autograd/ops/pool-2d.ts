/** What the pooling operations share: options, and the size of the output by PyTorch's rule. */
import { OptionError, ShapeError } from '../../device/errors.js'
import type { PoolShape, PoolWindow } from '../../kernels/pool-2d.js'
import type { Tensor } from '../tensor.js'
import { imageDimensions } from './image.js'
import { type Pair, pairOf } from './pair.js'

/** Pairs are [height, width]. */
export interface Pool2dOptions {
  readonly kernelSize: Pair
  /** The distance between windows; `kernelSize` by default. */
  readonly stride?: Pair
  /** Places around the image, at most half the kernel; 0 by default. */
  readonly padding?: Pair
  /** Whether a last window that reaches beyond the padding counts, if it begins within the image; false by default. */
  readonly ceilMode?: boolean
}

/**
 * The window and the shapes of a pool over `input` [N, H, W, C].
 *
 * @throws OptionError for sizes that are no positive integers, or a padding over half the kernel
 * @throws ShapeError unless the input is f32 or f16 [N, H, W, C] and holds at least one window
 */
export function poolGeometry(
  operation: string,
  input: Tensor,
  options: Pool2dOptions & { readonly dilation?: Pair },
): { window: PoolWindow; shape: PoolShape } {
  const { kernelSize, stride = kernelSize, padding = 0, dilation = 1, ceilMode = false } = options
  const { batch, height, width, channels } = imageDimensions(operation, input)
  const window = {
    kernel: pairOf(operation, 'kernelSize', kernelSize),
    stride: pairOf(operation, 'stride', stride),
    padding: pairOf(operation, 'padding', padding, 0),
    dilation: pairOf(operation, 'dilation', dilation),
  }
  const sizes = [height, width].map((length, axis) => windowCount(operation, length, window, axis as 0 | 1, ceilMode))
  const [outputHeight, outputWidth] = sizes as [number, number]
  const shape = { batch, channels, inputHeight: height, inputWidth: width, outputHeight, outputWidth }
  return { window, shape }
}

/** How many windows fit along one axis: `pooling_output_shape` in PyTorch's aten/src/ATen/native/Pool.h. */
function windowCount(
  operation: string,
  length: number,
  { kernel, stride, padding, dilation }: PoolWindow,
  axis: 0 | 1,
  ceilMode: boolean,
): number {
  const [k, s, p] = [kernel[axis], stride[axis], padding[axis]]
  if (p > k / 2) {
    throw new OptionError(`${operation}: padding`, `at most half the kernel, ${Math.floor(k / 2)}`, p)
  }
  const extent = dilation[axis] * (k - 1) + 1
  const room = length + 2 * p - extent
  const count = (ceilMode ? Math.ceil(room / s) : Math.floor(room / s)) + 1
  // the last window has to begin inside the image or the padding before it
  const windows = ceilMode && (count - 1) * s >= length + p ? count - 1 : count
  if (windows < 1) {
    throw new ShapeError(
      operation,
      `a ${axis === 0 ? 'height' : 'width'} of at least ${extent - 2 * p} for windows of ${extent} with padding ${p}`,
      String(length),
    )
  }
  return windows
}
