/** Conversion between types of numbers. */
import { OptionError } from '../../device/errors.js'
import { cast as castKernel } from '../../kernels/cast/cast.js'
import { castFloats } from '../../kernels/cast/floats.js'
import { checkNumber } from '../check.js'
import { differentiable } from '../tape.js'
import type { DType, FloatType, Tensor } from '../tensor.js'
import { mul } from './binary.js'

const castTypes = ['f32', 'f16', 'i32', 'u32'] as const

export interface CastOptions {
  /** What the numbers are multiplied by, only where the result is f32: 1/255 turns bytes into 0..1. 1 by default. */
  readonly scale?: number
}

/**
 * The numbers of a tensor as another type. As an integer, f32 loses its fraction, and what is too large or too
 * small becomes the nearest number that the type has; what becomes of NaN is up to the device. Between i32 and u32
 * the bits stay. As f16, a number is rounded to 11 bits, becomes infinite beyond 65504 and 0 below 6e-8. Gradients pass
 * between f32 and f16, as numbers of the type on the other side; a cast without effect gives the input itself.
 *
 * @throws OptionError for another type, for f16 where the adapter has none, or for a scale without f32
 */
export function cast(input: Tensor, dtype: Exclude<DType, 'u8'>, { scale = 1 }: CastOptions = {}): Tensor {
  if (!castTypes.includes(dtype)) throw new OptionError('cast: dtype', `one of ${castTypes.join(', ')}`, dtype)
  checkNumber('cast: scale', scale)
  if (dtype !== 'f32' && scale !== 1) throw new OptionError('cast: scale', `1 for a cast to ${dtype}`, scale)
  if (input.dtype === dtype) return scale === 1 ? input : mul(input, scale)
  if (input.dtype === 'f16') return cast(toFloats(input, 'f32'), dtype, { scale })
  if (dtype === 'f16') return toFloats(cast(input, 'f32'), 'f16')
  const { engine, shape, size } = input
  const output = engine.empty(shape, dtype)
  castKernel(engine.device, {
    input: input.buffer,
    output: output.buffer,
    size,
    from: input.dtype,
    to: dtype,
    scale,
  })
  return output
}

/** From f32 to f16, or back. */
function toFloats(input: Tensor, dtype: FloatType): Tensor {
  const { engine, shape, size } = input
  const from = input.dtype as FloatType
  const output = engine.empty(shape, dtype)
  castFloats(engine.device, { input: input.buffer, output: output.buffer, size })
  return differentiable({
    name: 'cast',
    inputs: { input },
    output,
    gradients: ({ gradient }) => ({ input: toFloats(gradient, from) }),
  })
}
