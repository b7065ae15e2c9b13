/** Frames a tensor with a constant value. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { maxPadRank, pad as padKernel } from '../../kernels/pad/pad.js'
import { formatShape } from '../shape.js'
import { differentiable } from '../tape.js'
import { bytesPerElement, type DType, type Tensor, toTypedArray } from '../tensor.js'

export interface PadOptions {
  /** `[before, after]` for each dimension of the input. Negative numbers cut elements off, as in PyTorch. */
  readonly padding: readonly (readonly [number, number])[]
  /** The value of the frame; 0 by default. */
  readonly value?: number
}

/**
 * Adds elements of one value before and after the input along each dimension, or cuts elements off where the padding is
 * negative. The result's dimension i has length `before + shape[i] + after`. f32, i32 or u32; at most 6 dimensions.
 *
 * @throws ShapeError when the padding does not fit the shape, OptionError when it is no integer or `value` is no number
 */
export function pad(input: Tensor, { padding, value = 0 }: PadOptions): Tensor {
  const { engine, shape, dtype } = input
  if (padding.length !== shape.length) {
    throw new ShapeError('pad', `padding for each dimension of ${formatShape(shape)}`, `${padding.length} pairs`)
  }
  if (padding.some((pair: readonly number[]) => pair.length !== 2 || !pair.every(Number.isInteger))) {
    throw new OptionError('pad: padding', 'pairs [before, after] of integers', JSON.stringify(padding))
  }
  if (typeof value !== 'number') throw new OptionError('pad: value', 'a number', value)
  if (input.rank > maxPadRank) throw new ShapeError('pad', `at most ${maxPadRank} dimensions`, formatShape(shape))
  if (dtype === 'f16' || bytesPerElement[dtype] !== 4) {
    throw new ShapeError('pad', 'f32, i32 or u32', input.toString())
  }
  const outputShape = shape.map((length, i) => length + padding[i]![0] + padding[i]![1])
  const empty = shape.some((length, i) => padding[i]![0] <= -length || padding[i]![1] <= -length || outputShape[i]! < 1)
  if (empty) {
    throw new ShapeError(
      'pad',
      `padding that leaves a part of every dimension of ${formatShape(shape)}`,
      JSON.stringify(padding),
    )
  }
  const output = engine.empty(outputShape, dtype)
  padKernel(engine.device, {
    input: input.buffer,
    output: output.buffer,
    shape,
    padding,
    valueBits: bitsOf(value, dtype),
  })
  return differentiable({
    name: 'pad',
    inputs: { input },
    output,
    gradients: ({ gradient }) => ({
      // what was added is cut off, what was cut off had no influence
      input: pad(gradient, { padding: padding.map(([before, after]) => [-before, -after]) }),
    }),
  })
}

/** The 32 bits of a number in a dtype, as an unsigned integer. */
function bitsOf(value: number, dtype: Exclude<DType, 'f16'>): number {
  return new Uint32Array(toTypedArray([value], dtype).buffer)[0]!
}
