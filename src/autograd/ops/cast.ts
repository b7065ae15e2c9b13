/** Conversion between types of numbers. */
import { OptionError } from '../../device/errors.js'
import { cast as castKernel } from '../../kernels/cast/cast.js'
import { checkNumber } from '../check.js'
import type { DType, Tensor } from '../tensor.js'
import { mul } from './binary.js'

const castTypes = ['f32', 'i32', 'u32'] as const

export interface CastOptions {
  /** What the numbers are multiplied by, only where the result is f32: 1/255 turns bytes into 0..1. 1 by default. */
  readonly scale?: number
}

/**
 * The numbers of a tensor (f32, i32, u32 or u8) as another type. f32 loses its fraction, and what is too large or too
 * small becomes the nearest number that the type has; what becomes of NaN is up to the device. Between i32 and u32
 * the bits stay. Gradients pass only from f32 to f32; a cast without effect gives the input itself.
 *
 * @throws OptionError for another type, or for a scale without f32
 */
export function cast(input: Tensor, dtype: Exclude<DType, 'u8'>, { scale = 1 }: CastOptions = {}): Tensor {
  if (!castTypes.includes(dtype)) throw new OptionError('cast: dtype', `one of ${castTypes.join(', ')}`, dtype)
  checkNumber('cast: scale', scale)
  if (dtype !== 'f32' && scale !== 1) throw new OptionError('cast: scale', `1 for a cast to ${dtype}`, scale)
  if (input.dtype === dtype) return scale === 1 ? input : mul(input, scale)
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
