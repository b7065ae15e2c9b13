/** Addition, subtraction, multiplication and division, elementwise with broadcasting. */
import { binary, type BinaryOperator } from '../../kernels/binary/binary.js'
import { binaryScalar } from '../../kernels/binary/scalar.js'
import { ShapeError } from '../../device/errors.js'
import { checkFloats, checkNumber } from '../check.js'
import { broadcastShapes, sameShape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { sumTo } from './reduce.js'

const names = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' } as const

/**
 * a + b, elementwise.
 *
 * Shapes broadcast by NumPy's rules: they are aligned at the last dimension, and a dimension of length 1 or a missing one
 * repeats. `b` may be a number. Gradients are summed over what was repeated. f32, or f16 where nothing repeats.
 *
 * @throws ShapeError when the shapes do not broadcast or the types do not fit, OptionError when a number is not finite
 */
export function add(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return withNumber('+', a, b, (gradient) => gradient)
  const [shapeA, shapeB] = [a.shape, b.shape]
  return differentiable({
    name: 'add',
    inputs: { a, b },
    output: compute('+', a, b),
    gradients: ({ gradient, needs }) => ({
      a: needs.a ? sumTo(gradient, shapeA) : undefined,
      b: needs.b ? sumTo(gradient, shapeB) : undefined,
    }),
  })
}

/** a - b, elementwise; broadcasting, numbers and errors as for `add`. */
export function sub(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return withNumber('-', a, b, (gradient) => gradient)
  const [shapeA, shapeB] = [a.shape, b.shape]
  return differentiable({
    name: 'sub',
    inputs: { a, b },
    output: compute('-', a, b),
    gradients: ({ gradient, needs }) => ({
      a: needs.a ? sumTo(gradient, shapeA) : undefined,
      b: needs.b ? mul(sumTo(gradient, shapeB), -1) : undefined,
    }),
  })
}

/** a * b, elementwise; broadcasting, numbers and errors as for `add`. */
export function mul(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return withNumber('*', a, b, (gradient) => mul(gradient, b))
  const [shapeA, shapeB] = [a.shape, b.shape]
  return differentiable({
    name: 'mul',
    inputs: { a, b },
    output: compute('*', a, b),
    saves: (needs) => ({ a: needs.b ? a : undefined, b: needs.a ? b : undefined }),
    gradients: ({ gradient, saved, needs }) => ({
      a: needs.a ? sumTo(mul(gradient, saved.b), shapeA) : undefined,
      b: needs.b ? sumTo(mul(gradient, saved.a), shapeB) : undefined,
    }),
  })
}

/** a / b, elementwise; broadcasting, numbers and errors as for `add`. Division by zero gives infinity or NaN. */
export function div(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return withNumber('/', a, b, (gradient) => div(gradient, b))
  const [shapeA, shapeB] = [a.shape, b.shape]
  const output = compute('/', a, b)
  return differentiable({
    name: 'div',
    inputs: { a, b },
    output,
    saves: (needs) => ({ b, output: needs.b ? output : undefined }),
    gradients: ({ gradient, saved, needs }) => {
      const gradientA = div(gradient, saved.b)
      return {
        a: needs.a ? sumTo(gradientA, shapeA) : undefined,
        // d(a / b) / db = -(a / b) / b
        b: needs.b ? mul(sumTo(mul(gradientA, saved.output), shapeB), -1) : undefined,
      }
    },
  })
}

function compute(operator: BinaryOperator, a: Tensor, b: Tensor): Tensor {
  const { engine } = a
  const dtype = checkFloats(names[operator], 'a', a)
  if (b.dtype !== dtype || (dtype === 'f16' && !sameShape(a.shape, b.shape))) {
    const expected = dtype === 'f16' ? `b like a, ${a.toString()}` : 'b of type f32'
    throw new ShapeError(names[operator], expected, b.toString())
  }
  const output = engine.empty(broadcastShapes(names[operator], a.shape, b.shape), dtype)
  binary(engine.device, {
    operator,
    a: a.buffer,
    b: b.buffer,
    output: output.buffer,
    shapeA: a.shape,
    shapeB: b.shape,
  })
  return output
}

function withNumber(operator: BinaryOperator, a: Tensor, value: number, rule: (gradient: Tensor) => Tensor): Tensor {
  const { engine, shape, size } = a
  const dtype = checkFloats(names[operator], 'a', a)
  checkNumber(`${names[operator]}: b`, value)
  const output = engine.empty(shape, dtype)
  binaryScalar(engine.device, { operator, input: a.buffer, value, output: output.buffer, size })
  return differentiable({
    name: names[operator],
    inputs: { a },
    output,
    gradients: ({ gradient }) => ({ a: rule(gradient) }),
  })
}
