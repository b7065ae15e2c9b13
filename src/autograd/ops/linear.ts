/** The fully connected layer's product. */
import { ShapeError } from '../../device/errors.js'
import { matmul } from '../../kernels/matmul/matmul.js'
import { checkDType } from '../check.js'
import { formatShape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { checkBias, sumOfColumns } from './bias.js'
import { gradientBeforeRelu } from './relu.js'

export interface LinearOptions {
  /** Whether negative results are replaced by 0 before they are stored; not by default. */
  readonly relu?: boolean
}

/**
 * input * weight^T + bias: `input` is f32 [in] or [..., in], `weight` [out, in], `bias` [out].
 *
 * @returns [..., out], of which negative numbers are replaced by 0 if `relu` is set
 * @throws ShapeError when the shapes do not fit
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor, { relu = false }: LinearOptions = {}): Tensor {
  checkDType('linear', 'input', input, 'f32')
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
  const output = engine.empty([...shape.slice(0, -1), outputs])
  matmul(engine.device, {
    left: input.buffer,
    right: weight.buffer,
    output: output.buffer,
    epilogue: { bias: bias?.buffer, relu },
    rows,
    columns: outputs,
    depth: inputs,
    transposeRight: true,
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
        input: needs.input ? inputGradient(product, saved.weight, rows, shape) : undefined,
        weight: needs.weight ? weightGradient(product, saved.input, rows, into('weight')) : undefined,
        bias: needs.bias ? sumOfColumns(product, into('bias')) : undefined,
      }
    },
  })
}

/** gradient [rows, out] * weight [out, in]. */
function inputGradient(gradient: Tensor, weight: Tensor, rows: number, shape: readonly number[]): Tensor {
  const { engine } = gradient
  const [outputs, inputs] = weight.shape as readonly [number, number]
  const result = engine.empty(shape)
  matmul(engine.device, {
    left: gradient.buffer,
    right: weight.buffer,
    output: result.buffer,
    rows,
    columns: inputs,
    depth: outputs,
  })
  return result
}

/** gradient [rows, out] transposed * input [rows, in]; `result` [out, in] is written, and returned. */
function weightGradient(gradient: Tensor, input: Tensor, rows: number, result: Tensor): Tensor {
  const [outputs, inputs] = [gradient.size / rows, input.size / rows]
  matmul(gradient.engine.device, {
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
