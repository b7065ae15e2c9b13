/** What the compiling process is told, as its only argument in JSON, and what it answers. */
import type { Conv2dVariant } from '../../src/kernels/conv2d/variants.js'

export interface CompileRequest {
  /** Names of benchmark cases. */
  readonly cases: readonly string[]
  /** For all convolutions that it can compute, instead of the tuner's choice. */
  readonly variant?: Conv2dVariant | undefined
}

export interface CompiledCase {
  /** Such as `mm1024`. */
  readonly name: string
  /** What it works on, for people. */
  readonly shape: string
  /** Of the operation as it is defined, whatever the algorithm. */
  readonly multiplyAdds: number | undefined
  /** In the order in which they run. */
  readonly dispatches: readonly CompiledDispatch[]
}

export interface CompiledDispatch {
  readonly kernel: string
  /** The template values; together with the kernel's name they are the pipeline's key. */
  readonly template: Readonly<Record<string, string | number | boolean>>
  /** The number of the program among those that were compiled. */
  readonly program: number
  readonly workgroups: number
  /** In a workgroup. */
  readonly invocations: number
  /** Useful ones, without those for padding. A rough number for kernels that are no inner products. */
  readonly multiplyAdds: number
  /** Of all operands, each counted once. */
  readonly bytes: number
  readonly uniforms: Readonly<Record<string, number>>
}

export interface CompiledCases {
  readonly adapter: string
  readonly driver: string
  readonly cases: readonly CompiledCase[]
}
