/**
 * Elementwise kernels: every operand is a contiguous buffer of the same number of elements, and an invocation works on
 * one element or a few neighbours. Such kernels differ in their WGSL only; how they cover their operands is here.
 */
import type { BufferRange, DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { bytesPerFloat, elementGrid, rowWindows, type RowWindow, windowOf } from './grid.js'
import type { Kernel, UniformValue } from './kernel.js'
import type { TemplateValues } from './template.js'

export interface ElementwiseDispatch<B extends string, U extends string> {
  /** The number of elements of each operand. */
  readonly size: number
  readonly buffers: Readonly<Record<B, DeviceBuffer>>
  /** The uniforms of a window of the operands; `count` is its number of elements, `start` that of its first one. */
  readonly uniforms: (window: RowWindow) => Readonly<Record<U, UniformValue>>
  /** Bytes per element of the operands that do not have 4, or 2 where they are f16. */
  readonly elementBytes?: Partial<Readonly<Record<B, number>>>
  /** Operands that are the same in every window, such as a scalar or the fault buffer. */
  readonly whole?: readonly B[]
  /** Template values besides `workgroupSize`, which is always given. */
  readonly template?: TemplateValues
  /**
   * Whether the WGSL works on Values (shaders/common/value.wgsl). Four elements are one Value then, wherever the size allows it,
   * and the windows that `uniforms` gets count Values. Only for operands of 4 bytes, or f16.
   */
  readonly vectors?: boolean
  /** How many neighbouring elements one invocation computes; a power of two up to 8. */
  readonly elementsPerInvocation?: number
  /** Arithmetic operations per element; 1 by default. */
  readonly workPerElement?: number
}

/** Dispatches a kernel over its operands; once, unless one of them is larger than a binding. */
export function dispatchElementwise<B extends string, U extends string>(
  device: Device,
  kernel: Kernel<B, U>,
  dispatch: ElementwiseDispatch<B, U>,
): void {
  const { size, buffers, uniforms, elementBytes = {}, whole = [], template, elementsPerInvocation = 1 } = dispatch
  const operands = (Object.keys(buffers) as B[]).map((name) => ({
    name,
    bytes: whole.includes(name)
      ? 0
      : ((elementBytes as Partial<Record<B, number>>)[name] ?? bytesPerFloat(buffers[name])),
  }))
  const rowBytes = operands.map(({ bytes }) => bytes).filter((bytes) => bytes > 0)
  // windows are cut at multiples of the offset alignment, which is at least 16 bytes
  const perValue = dispatch.vectors && size % 4 === 0 ? 4 : 1
  for (const window of rowWindows(device, kernel.name, size, rowBytes)) {
    const bindings = Object.fromEntries(
      operands.map(({ name, bytes }) => [name, bytes === 0 ? buffers[name] : windowOf(buffers[name], window, bytes)]),
    ) as Record<B, DeviceBuffer | BufferRange>
    kernel.dispatch(device, {
      template: {
        workgroupSize: device.workgroupSize,
        ...(dispatch.vectors !== undefined && { vectors: perValue === 4 }),
        ...template,
      },
      bindings,
      uniforms: uniforms({ start: window.start / perValue, count: window.count / perValue }),
      workgroups: elementGrid(device, Math.ceil(window.count / perValue / elementsPerInvocation)),
      work: window.count * (dispatch.workPerElement ?? 1),
    })
  }
}
