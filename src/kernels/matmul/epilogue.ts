/**
 * What happens to the results of an inner product before they are stored, so that no pass of its own has to read them
 * again: relu(result * scale + bias + residual), each part only where it is given.
 */
import type { BufferRange, DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { readFloats, type UniformType } from '../kernel.js'
import { offsetRange } from '../offset-windows.js'

export interface Epilogue {
  /** One factor for each column (output channel): a batch norm's scale. */
  readonly scale?: DeviceBuffer | undefined
  /** Added to each column: a bias, or a batch norm's shift. */
  readonly bias?: DeviceBuffer | undefined
  /** Added element by element; of the output's shape and layout, and another buffer. */
  readonly residual?: DeviceBuffer | undefined
  /** Whether negative results become 0. */
  readonly relu?: boolean | undefined
}

/** The bindings that an epilogue adds to a kernel. All may be f16, as operands are that take the place of what is not given. */
export const epilogueBindings = {
  bias: readFloats('vectors'),
  scale: readFloats('vectors'),
  residual: readFloats('vectors'),
} as const

/** The part of the output that one dispatch computes. */
export interface EpiloguePlace {
  /** Elements of the output, and so of the residual. */
  readonly start: number
  readonly extent: number
  /** Elements of scale and bias. */
  readonly columns: { readonly start: number; readonly count: number }
}

/** The uniforms that epilogue.wgsl reads; kernels declare them beside their own. */
export const epilogueUniforms = { biasOffset: 'u32', relu: 'u32' } as const satisfies Record<string, UniformType>

/** An epilogue as template values, bindings and uniforms; what is not given has no binding. */
export interface BoundEpilogue {
  readonly template: Readonly<Record<keyof typeof epilogueBindings, boolean>>
  readonly bindings: Readonly<Record<keyof typeof epilogueBindings, BufferRange | undefined>>
  readonly uniforms: {
    /** Where the columns begin in `bias` and in `scale`. */
    readonly biasOffset: number
    /** 1 for yes. */
    readonly relu: number
  }
}

/** The residual's range begins where the output's does, so both have the same positions. */
export function bindEpilogue(
  device: Device,
  { scale, bias, residual, relu = false }: Epilogue,
  { start, extent, columns }: EpiloguePlace,
): BoundEpilogue {
  const ofColumns = (buffer: DeviceBuffer | undefined) =>
    buffer && offsetRange(device, buffer, columns.start, columns.count)
  const [scales, biases] = [ofColumns(scale), ofColumns(bias)]
  return {
    template: { scale: scale !== undefined, bias: bias !== undefined, residual: residual !== undefined },
    bindings: {
      bias: biases?.range,
      scale: scales?.range,
      residual: residual && offsetRange(device, residual, start, extent).range,
    },
    uniforms: { biasOffset: (scales ?? biases)?.offset ?? 0, relu: Number(relu) },
  }
}

/** The bindings with `unused` in the place of what is not given, and what the kernel then does not look at. */
export function completeBindings(
  { bias, scale, residual }: BoundEpilogue['bindings'],
  unused: DeviceBuffer | BufferRange,
): Record<keyof typeof epilogueBindings, DeviceBuffer | BufferRange> {
  return { bias: bias ?? unused, scale: scale ?? unused, residual: residual ?? unused }
}
