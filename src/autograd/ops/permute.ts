/** Rearranges the dimensions of a tensor. */
import { ShapeError } from '../../device/errors.js'
import { permutedDimensions } from '../../kernels/permute/dimensions.js'
import { maxPermuteRank, permute as permuteKernel } from '../../kernels/permute/permute.js'
import { formatShape, normalizeDim } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'

/**
 * Puts the dimensions of `input` into another order: dimension i of the result is dimension `dims[i]` of the input. The
 * result is contiguous; it shares the memory of `input` when no element changes its place. f32, f16, i32 or u32.
 *
 * @param dims each dimension of the input once; negative ones count from the end
 * @throws ShapeError when `dims` is no permutation, or more than 6 dimensions change places
 */
export function permute(input: Tensor, dims: readonly number[]): Tensor {
  const order = dims.map((dim) => normalizeDim('permute', dim, input.rank))
  if (order.length !== input.rank || new Set(order).size !== input.rank) {
    throw new ShapeError('permute', `each of the ${input.rank} dimensions once`, formatShape(dims))
  }
  return differentiable({
    name: 'permute',
    inputs: { input },
    output: rearranged(input, order),
    gradients: ({ gradient }) => ({ input: permute(gradient, inverse(order)) }),
  })
}

function rearranged(input: Tensor, order: readonly number[]): Tensor {
  const { engine, shape, dtype } = input
  const outputShape = order.map((dim) => shape[dim]!)
  const moving = permutedDimensions(shape, order).length
  if (moving <= 1) return input.alias(outputShape)
  if (moving > maxPermuteRank) {
    throw new ShapeError('permute', `at most ${maxPermuteRank} dimensions that change places`, formatShape(order))
  }
  if (dtype === 'u8') throw new ShapeError('permute', 'f32, f16, i32 or u32', input.toString())
  const output = engine.empty(outputShape, dtype)
  permuteKernel(engine.device, { input: input.buffer, output: output.buffer, shape, dims: order })
  return output
}

function inverse(order: readonly number[]): number[] {
  return order.map((_dim, i) => order.indexOf(i))
}
