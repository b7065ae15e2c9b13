/** The same elements under another shape. */
import { ShapeError } from '../../device/errors.js'
import { checkShape, formatShape, type Shape, sizeOf } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'

/**
 * The elements of `input` in row-major order under another shape of equal size. Shares the memory of `input`; any dtype.
 *
 * @param shape positive integers, of which one may be -1: it becomes what the size leaves
 * @throws ShapeError when the sizes differ, or more than one dimension is -1
 */
export function reshape(input: Tensor, shape: Shape): Tensor {
  const resolved = resolveShape(input.shape, shape)
  return differentiable({
    name: 'reshape',
    inputs: { input },
    output: input.alias(resolved),
    gradients: ({ gradient }) => ({ input: gradient.alias(input.shape) }),
  })
}

/** Replaces the -1 of `shape`, if any, and checks that as many elements fit it as fit `inputShape`. */
function resolveShape(inputShape: Shape, shape: Shape): Shape {
  const size = sizeOf(inputShape)
  const free = shape.indexOf(-1)
  const known = shape.filter((_length, i) => i !== free)
  if (known.includes(-1)) throw new ShapeError('reshape', 'at most one -1 in the shape', formatShape(shape))
  checkShape('reshape', known)
  const rest = size / sizeOf(known)
  if (free < 0 ? rest !== 1 : !Number.isInteger(rest)) {
    throw new ShapeError(
      'reshape',
      `a shape for the ${size} elements of ${formatShape(inputShape)}`,
      formatShape(shape),
    )
  }
  return shape.map((length, i) => (i === free ? rest : length))
}
