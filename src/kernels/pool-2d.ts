/**
 * What the pooling kernels share: the shapes and windows of a pool over channels-last images, as uniforms, and the
 * dispatch. A pool never mixes images, so tensors larger than one binding are cut between images.
 */
import type { BufferRange, DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { bytesPerFloat, elementGrid, floatRows, rowWindows } from './grid.js'
import type { Kernel, UniformType } from './kernel.js'
import type { TemplateValues } from './template.js'

/** Images [batch, inputHeight, inputWidth, channels] and their pool [batch, outputHeight, outputWidth, channels]. */
export interface PoolShape {
  readonly batch: number
  readonly channels: number
  readonly inputHeight: number
  readonly inputWidth: number
  readonly outputHeight: number
  readonly outputWidth: number
}

/** Each is [height, width]. */
export interface PoolWindow {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly dilation: readonly [number, number]
}

/**
 * Pools work on Values (shaders/common/value.wgsl): four neighbouring channels at a time where their number allows it. `size`
 * is the number of Values that a dispatch computes, `channels` that of one pixel.
 */
export const poolShapeUniforms = {
  size: 'u32',
  channels: 'u32',
  inputHeight: 'u32',
  inputWidth: 'u32',
  outputHeight: 'u32',
  outputWidth: 'u32',
} as const satisfies Record<string, UniformType>

export const poolWindowUniforms = {
  kernelHeight: 'u32',
  kernelWidth: 'u32',
  strideHeight: 'u32',
  strideWidth: 'u32',
  paddingHeight: 'u32',
  paddingWidth: 'u32',
} as const satisfies Record<string, UniformType>

/** How many windows cover an element of the input, on average. */
export function windowsPerInput(shape: PoolShape, { kernel }: PoolWindow): number {
  const { inputHeight, inputWidth, outputHeight, outputWidth } = shape
  return (kernel[0] * kernel[1] * outputHeight * outputWidth) / (inputHeight * inputWidth)
}

/** The values of `poolWindowUniforms`. */
export function poolWindowValues({
  kernel,
  stride,
  padding,
}: PoolWindow): Record<keyof typeof poolWindowUniforms, number> {
  return {
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: stride[0],
    strideWidth: stride[1],
    paddingHeight: padding[0],
    paddingWidth: padding[1],
  }
}

export interface PoolDispatch<B extends string, U extends string> {
  /**
   * What one invocation computes one Value of: the `output` in a forward kernel, the `input` in a backward kernel, or a grid
   * [height, width] of its own.
   */
  readonly computes: 'input' | 'output' | readonly [number, number]
  /** What the code depends on besides what all pools share. */
  readonly template?: TemplateValues
  /** Every binding, with the side whose shape it has. */
  readonly buffers: Readonly<Record<B, { readonly buffer: DeviceBuffer; readonly side: 'input' | 'output' }>>
  /** The uniforms besides those of the shape. */
  readonly uniforms: Readonly<Record<Exclude<U, keyof typeof poolShapeUniforms>, number>>
  /** Arithmetic operations per computed element. */
  readonly workPerElement: number
}

/** Dispatches a pooling kernel for every window of images; one, unless the images exceed a binding. */
export function dispatchPool<B extends string, U extends string>(
  device: Device,
  kernel: Kernel<B, U>,
  { batch, ...shape }: PoolShape,
  { computes, template, buffers, uniforms, workPerElement }: PoolDispatch<B, U>,
): void {
  const elements = {
    input: shape.inputHeight * shape.inputWidth * shape.channels,
    output: shape.outputHeight * shape.outputWidth * shape.channels,
  }
  const computed =
    computes === 'input' || computes === 'output' ? elements[computes] : computes[0] * computes[1] * shape.channels
  const perValue = shape.channels % 4 === 0 ? 4 : 1
  const names = Object.keys(buffers) as B[]
  const imageBytes = names.map((name) => elements[buffers[name].side] * bytesPerFloat(buffers[name].buffer))
  for (const window of rowWindows(device, kernel.name, batch, imageBytes)) {
    const size = (window.count * computed) / perValue
    const bindings = Object.fromEntries(
      names.map((name) => [name, floatRows(buffers[name].buffer, window, elements[buffers[name].side])]),
    ) as Record<B, BufferRange>
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, vectors: perValue === 4, ...template },
      bindings,
      uniforms: { ...shape, channels: shape.channels / perValue, size, ...uniforms } as unknown as Record<U, number>,
      workgroups: elementGrid(device, size),
      work: size * perValue * workPerElement,
    })
  }
}
