/** Checks that many operations share. Shapes have theirs in shape.ts. */
import { OptionError, ShapeError } from '../device/errors.js'
import type { DType, FloatType, Tensor } from './tensor.js'

/** Throws a `ShapeError` unless the tensor has the dtype; `name` is what the operation calls it, such as `target`. */
export function checkDType(operation: string, name: string, tensor: Tensor, dtype: DType): void {
  if (tensor.dtype !== dtype) throw new ShapeError(operation, `${name} of type ${dtype}`, tensor.toString())
}

/** The type of a tensor of f32 or f16. Throws a `ShapeError` for any other. */
export function checkFloats(operation: string, name: string, tensor: Tensor): FloatType {
  if (tensor.dtype === 'f32' || tensor.dtype === 'f16') return tensor.dtype
  throw new ShapeError(operation, `${name} of type f32 or f16`, tensor.toString())
}

/** Throws an `OptionError` unless the value is a finite number from `minimum` to `maximum`. */
export function checkNumber(
  option: string,
  value: number,
  minimum = -Number.MAX_VALUE,
  maximum = Number.MAX_VALUE,
): void {
  if (Number.isFinite(value) && value >= minimum && value <= maximum) return
  const bounds = maximum === Number.MAX_VALUE ? 'a finite number' : `a number from ${minimum} to ${maximum}`
  throw new OptionError(option, bounds, value)
}
