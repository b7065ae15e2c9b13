/**
 * What the device needs to know of a kernel. Kernels (src/kernels) make programs; the device compiles each once and
 * knows nothing of what they compute.
 */
export interface Program {
  /** The kernel's name, such as `conv2d/forward`: the label of its pipeline, and how errors call it. */
  readonly name: string
  /** Equal keys mean equal code: the name and everything that the template was expanded with. */
  readonly key: string
  /** Storage bindings of group 0 in order. The uniform struct, if any, is binding 0 of group 1. */
  readonly bindings: readonly ProgramBinding[]
  /** The size of the uniform struct, 0 if there is none. */
  readonly uniformBytes: number
  /** The complete WGSL text, with the entry point `main`. Called once, when the pipeline is compiled. */
  readonly code: () => string
}

export interface ProgramBinding {
  readonly name: string
  readonly access: 'read' | 'write'
}

/** The values of a program's uniform struct in one dispatch. */
export interface Uniforms {
  readonly data: ArrayBuffer
  /** Writes those values into `data` that differ from step to step; undefined where none does. Called before each use of `data`. */
  readonly refresh: (() => void) | undefined
}

/** Workgroups in x, y and z. */
export type Workgroups = readonly [number, number, number]
