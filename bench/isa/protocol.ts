/** What the compiling process tells the one that started it. */

export interface CompiledDispatch {
  /** The benchmark's case, such as `mm1024`, and what it works on. */
  readonly case: string
  readonly shape: string
  readonly kernel: string
  /** The template values; together with the kernel's name they are the pipeline's key. */
  readonly template: Readonly<Record<string, string | number | boolean>>
  /** The number of the program among those that were compiled. */
  readonly program: number
  readonly workgroups: number
  /** In a workgroup. */
  readonly invocations: number
  /** Of the operation, without those for padding. A rough number for kernels that are no inner products. */
  readonly multiplyAdds: number
  /** Of all operands, each counted once. */
  readonly bytes: number
  readonly uniforms: Readonly<Record<string, number>>
}

export interface CompiledCases {
  readonly adapter: string
  readonly driver: string
  readonly dispatches: readonly CompiledDispatch[]
}
