/** The fully connected layer's product. */
import { ShapeError } from '../../device/errors.js'
import type { DeviceBuffer } from '../../device/buffer.js'
import { withHalfForm } from '../../kernels/half.js'
import { checkDType, checkFloats } from '../check.js'
import { formatShape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { DType, Tensor } from '../tensor.js'
import { checkBias, sumOfColumns } from './bias.js'
import { matrixProduct } from './matrix-product.js'
import { gradientBeforeRelu } from './relu.js'

export interface LinearOptions {
  /** Whether negative results are replaced by 0 before they are stored; not by default. */
  readonly relu?: boolean
}

/**
 * input * weight^T + bias: `input` is [in] or [..., in], `weight` [out, in], `bias` [out], all f32. The input, and with it the
 * result, may be f16: then an f16 form of the weight is read, and sums are f32 all the same.
 *
 * @returns [..., out], of which negative numbers are replaced by 0 if `relu` is set
 * @throws ShapeError when the shapes do not fit
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor, { relu = false }: LinearOptions = {}): Tensor {
  const dtype = checkFloats('linear', 'input', input)
  checkDType('linear', 'weight', weight, 'f32')
  if (weight.rank !== 2) throw new ShapeError('linear', 'weight [out, in]', formatShape(weight.shape))
  const [outputs, inputs] = weight.shape as readonly [number, number]
  if (input.rank < 1 || input.shape.at(-1) !== inputs) {
    throw new ShapeError(
      'linear',
      `input [..., ${inputs}] for weight [${outputs}, ${inputs}]`,
      formatShape(input.shape),
    )
  }
  checkBias('linear', bias, outputs)

  const { engine, shape } = input
  const rows = input.size / inputs
  const output = engine.empty([...shape.slice(0, -1), outputs], dtype)
  // a step of training changes the weights that it trains: their f16 forms are not worth keeping
  withWeight(weight, dtype, !(weight.requiresGrad && engine.gradEnabled), (right) => {
    matrixProduct(engine, {
      left: input.buffer,
      right,
      output: output.buffer,
      epilogue: { bias: bias?.buffer, relu },
      rows,
      columns: outputs,
      depth: inputs,
      transposeRight: true,
    })
  })
  return differentiable({
    name: 'linear',
    inputs: { input, weight, bias },
    output,
    saves: (needs) => ({
      input: needs.weight ? input : undefined,
      weight: needs.input ? weight : undefined,
      output: relu ? output : undefined,
    }),
    gradients: ({ gradient, saved, needs, into }) => {
      const product = gradientBeforeRelu(gradient, saved.output)
      return {
        input: needs.input ? inputGradient(product, saved.weight, rows, shape, !needs.weight) : undefined,
        weight: needs.weight ? weightGradient(product, saved.input, rows, into('weight')) : undefined,
        bias: needs.bias ? sumOfColumns(product, into('bias')) : undefined,
      }
    },
  })
}

/** Calls `body` with a weight in the type that its product's other operand has. */
function withWeight(weight: Tensor, dtype: DType, keep: boolean, body: (weight: DeviceBuffer) => void): void {
  if (dtype === 'f32') body(weight.buffer)
  else withHalfForm(weight.engine.device, { source: weight.buffer, size: weight.size, keep }, body)
}

/**
 * gradient [rows, out] * weight [out, in].
 * @param keepHalf whether the weight stays as it is
 */
function inputGradient(
  gradient: Tensor,
  weight: Tensor,
  rows: number,
  shape: readonly number[],
  keepHalf: boolean,
): Tensor {
  const { engine, dtype } = gradient
  const [outputs, inputs] = weight.shape as readonly [number, number]
  const result = engine.empty(shape, dtype)
  withWeight(weight, dtype, keepHalf, (right) => {
    matrixProduct(engine, {
      left: gradient.buffer,
      right,
      output: result.buffer,
      rows,
      columns: inputs,
      depth: outputs,
    })
  })
  return result
}

/** gradient [rows, out] transposed * input [rows, in]; `result` [out, in] is written, and returned. */
function weightGradient(gradient: Tensor, input: Tensor, rows: number, result: Tensor): Tensor {
  const [outputs, inputs] = [gradient.size / rows, input.size / rows]
  matrixProduct(gradient.engine, {
    left: gradient.buffer,
    right: input.buffer,
    output: result.buffer,
    rows: outputs,
    columns: inputs,
    depth: rows,
    transposeLeft: true,
  })
  return result
}
