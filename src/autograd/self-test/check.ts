/** What the self-test knows about a kernel: inputs, how to run it, and what the result should be. */
import type { Engine } from '../engine.js'
import type { Shape } from '../shape.js'
import type { DType, Tensor } from '../tensor.js'
import type { Values } from './values.js'

export interface CheckInput {
  readonly shape: Shape
  /** Numbers in [-1, 1) by default. */
  readonly values?: ArrayLike<number>
  /** f32 by default. */
  readonly dtype?: DType
  /** Whether the gradient with respect to this input is checked as well; false by default. */
  readonly gradient?: boolean
}

export interface KernelCheck {
  /** The name of the operation: `conv2d`. */
  readonly kernel: string
  /** What is special about this check: `stride 2`. */
  readonly variant: string
  readonly inputs: Readonly<Record<string, CheckInput>>
  /** Computes on the GPU. */
  run(this: void, inputs: Readonly<Record<string, Tensor>>, engine: Engine): Tensor
  /**
   * Computes the same in double precision. `output` is what the GPU computed, for operations with random numbers: what
   * they drew can be seen in it.
   */
  reference(this: void, inputs: Readonly<Record<string, Values>>, output: Values): Values
  /** The allowed relative error of the output and of the gradients. */
  readonly tolerance: number
  /** A feature that the adapter must have. */
  readonly needs?: 'shader-f16'
}

/** A check whose input names the compiler knows. */
export interface NamedKernelCheck<N extends string> {
  readonly kernel: string
  readonly variant: string
  readonly inputs: Readonly<Record<N, CheckInput>>
  run(this: void, inputs: Readonly<Record<N, Tensor>>, engine: Engine): Tensor
  reference(this: void, inputs: Readonly<Record<N, Values>>, output: Values): Values
  /** 1e-5 by default: sums of some hundred products in f32, and functions such as exp and log. */
  readonly tolerance?: number
  readonly needs?: 'shader-f16'
}

export function kernelCheck<const N extends string>(check: NamedKernelCheck<N>): KernelCheck {
  return { tolerance: 1e-5, ...check }
}

/** An input that has a gradient. */
export function trainable(shape: Shape, values?: ArrayLike<number>): CheckInput {
  return { shape, values, gradient: true }
}
