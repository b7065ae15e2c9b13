/** Checks that many operations share. Shapes have theirs in shape.ts. */
import { OptionError, ShapeError } from '../device/errors.js'
import type { DType, Tensor } from './tensor.js'

/** Throws a `ShapeError` unless the tensor has the dtype; `name` is what the operation calls it, such as `target`. */
export function checkDType(operation: string, name: string, tensor: Tensor, dtype: DType): void {
  if (tensor.dtype !== dtype) throw new ShapeError(operation, `${name} of type ${dtype}`, tensor.toString())
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
