/** What a batch norm consists of. */
import { OptionError, ShapeError } from '../../../device/errors.js'
import { formatShape } from '../../shape.js'
import type { Tensor } from '../../tensor.js'

export interface BatchNormParameters {
  /** [C]; multiplies the normalised values. */
  readonly weight: Tensor
  /** [C]; added at the end. */
  readonly bias: Tensor
  /** [C]; in training mode updated in place. */
  readonly runningMean: Tensor
  /** [C]; in training mode updated in place, with the unbiased variance. */
  readonly runningVar: Tensor
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number
}

export const defaultEps = 1e-5

/** Throws `ShapeError` unless all tensors are f32 [channels], `OptionError` for a negative eps. */
export function checkParameters(operation: string, parameters: BatchNormParameters, channels: number): void {
  const { weight, bias, runningMean, runningVar, eps = defaultEps } = parameters
  if (!(eps >= 0 && eps < Infinity)) throw new OptionError(`${operation}: eps`, 'a number that is not negative', eps)
  for (const [name, { rank, shape, dtype }] of Object.entries({ weight, bias, runningMean, runningVar })) {
    if (rank !== 1 || shape[0] !== channels || dtype !== 'f32') {
      throw new ShapeError(operation, `${name} as f32 [${channels}]`, `${dtype} ${formatShape(shape)}`)
    }
  }
}
