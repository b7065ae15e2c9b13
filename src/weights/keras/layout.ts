/** Where the elements of a Keras weight go in torchvision's layout of it. */
export interface Layout {
  /** torchvision's shape. */
  readonly shape: readonly number[]
  /** The sizes by which the elements lie in the file, row-major: those of the weight, or of a finer view of it. */
  readonly source: readonly number[]
  /** How far apart in the result two neighbours along each dimension of `source` are; negative where it is reversed. */
  readonly strides: readonly number[]
  /** Where in the result the first element goes. */
  readonly origin: number
}

/** The same order, for anything but kernels. */
export function sameLayout(shape: readonly number[]): Layout {
  return permuted(
    shape,
    shape.map((_, axis) => axis),
  )
}

/**
 * Kernels [...spatial, in, out] -> [out, in, ...spatial]: of dense layers, and of convolutions in one to three dimensions.
 *
 * @param reversedInputs whether to reverse the input channels: BGR -> RGB
 */
export function kernelLayout(shape: readonly number[], reversedInputs = false): Layout {
  const [input, output] = [shape.length - 2, shape.length - 1]
  const layout = permuted(shape, [output, input, ...shape.keys()].slice(0, shape.length))
  return reversedInputs ? reversed(layout, input) : layout
}

/**
 * The kernel of a dense layer behind a flattened image, [height x width x channels, out] -> [out, channels x height x
 * width]: Keras flattens images as height, width, channels, PyTorch as channels, height, width.
 */
export function flattenedLayout([rows, outputs]: readonly [number, number], channels: number): Layout {
  return { ...permuted([rows / channels, channels, outputs], [2, 1, 0]), shape: [outputs, rows] }
}

/** The axis `axes[i]` of the source becomes axis i of the result, as in `numpy.transpose`. */
function permuted(source: readonly number[], axes: readonly number[]): Layout {
  const strides = source.map(() => 1)
  let stride = 1
  for (const axis of axes.toReversed()) {
    strides[axis] = stride
    stride *= source[axis]!
  }
  return { shape: axes.map((axis) => source[axis]!), source, strides, origin: 0 }
}

function reversed({ strides, source, origin, ...rest }: Layout, reversedAxis: number): Layout {
  return {
    ...rest,
    source,
    strides: strides.map((stride, axis) => (axis === reversedAxis ? -stride : stride)),
    origin: origin + (source[reversedAxis]! - 1) * strides[reversedAxis]!,
  }
}

/**
 * Puts a run of elements in their places.
 *
 * @param start the index of the first of them among all elements, in the order of the file
 */
export function scatter(values: Float32Array, start: number, layout: Layout, result: Float32Array): void {
  const { source, strides } = layout
  const rowLength = source.at(-1) ?? 1
  const rowStride = strides.at(-1) ?? 1
  for (let at = 0; at < values.length;) {
    const column = (start + at) % rowLength
    const length = Math.min(rowLength - column, values.length - at)
    let to = destination(start + at, layout)
    for (const end = at + length; at < end; at++) {
      result[to] = values[at]!
      to += rowStride
    }
  }
}

/** Where the element with an index in the order of the file goes. */
function destination(index: number, { source, strides, origin }: Layout): number {
  let to = origin
  for (let axis = source.length - 1; axis >= 0; axis--) {
    const size = source[axis]!
    to += (index % size) * strides[axis]!
    index = Math.floor(index / size)
  }
  return to
}
