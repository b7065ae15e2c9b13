/** Plain reference implementations of rearrangements, for tests of kernels that move elements. */

type Values = Float32Array<ArrayBuffer>

/** The values of a tensor of `shape` after `permute(dims)`. */
export function permuted(values: Values, shape: readonly number[], dims: readonly number[]): Values {
  const strides = stridesOf(shape)
  const outputStrides = stridesOf(dims.map((dim) => shape[dim]!))
  return Float32Array.from(values, (_value, i) => {
    const place = dims.reduce(
      (sum, dim, k) => sum + (Math.floor(i / outputStrides[k]!) % shape[dim]!) * strides[dim]!,
      0,
    )
    return values[place]!
  })
}

/** The values of a tensor of `shape` after padding; negative padding cuts. */
export function padded(
  values: Values,
  shape: readonly number[],
  padding: readonly (readonly [number, number])[],
  value: number,
): Values {
  const strides = stridesOf(shape)
  const outputShape = shape.map((length, i) => length + padding[i]![0] + padding[i]![1])
  const outputStrides = stridesOf(outputShape)
  return Float32Array.from({ length: outputShape.reduce((a, b) => a * b, 1) }, (_value, i) => {
    const coordinates = outputStrides.map((stride, k) => (Math.floor(i / stride) % outputShape[k]!) - padding[k]![0])
    const inside = coordinates.every((coordinate, k) => coordinate >= 0 && coordinate < shape[k]!)
    return inside ? values[coordinates.reduce((sum, coordinate, k) => sum + coordinate * strides[k]!, 0)]! : value
  })
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_length, i) => shape.slice(i + 1).reduce((product, length) => product * length, 1))
}
