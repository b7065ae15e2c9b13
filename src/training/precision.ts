/** Which type activations are stored as: f32, or f16 in half the memory. */
import { cast } from '../autograd/ops/cast.js'
import type { Engine } from '../autograd/engine.js'
import type { FloatType, Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import type { Module } from '../nn/module.js'

export const precisions = ['f32', 'f16'] as const satisfies readonly FloatType[]

/** The type of activations and their gradients. Parameters, their gradients, statistics and losses are f32 in any case. */
export type Precision = (typeof precisions)[number]

/** Throws `OptionError` for another precision, and for f16 where the adapter has none. */
export function checkPrecision(engine: Engine, precision: Precision): void {
  if (!precisions.includes(precision)) throw new OptionError('precision', `one of ${precisions.join(', ')}`, precision)
  if (precision === 'f16') engine.requireHalf('precision')
}

/** The output of a model, f32, whose activations have the type `precision`: every layer follows its input. */
export function callIn(precision: Precision, model: Module, input: Tensor): Tensor {
  return precision === 'f32' ? model.call(input) : cast(model.call(cast(input, precision)), 'f32')
}
