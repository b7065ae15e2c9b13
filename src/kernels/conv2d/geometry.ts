/** The sizes of a convolution, and what its three kernels have in common. */
import type { Device } from '../../device/device.js'
import type { RowWindow } from '../grid.js'
import type { UniformType } from '../kernel.js'
import { offsetWindows } from '../offset-windows.js'

/**
 * Images are f32 or f16 [N, H, W, C], weights [KH, KW, inputChannels / groups, outputChannels]; pairs are [height, width].
 */
export interface Conv2dGeometry {
  readonly batch: number
  readonly inputSize: readonly [number, number]
  readonly inputChannels: number
  readonly outputSize: readonly [number, number]
  readonly outputChannels: number
  readonly kernelSize: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly padding: readonly [number, number]
  readonly dilation: readonly [number, number]
  readonly groups: number
}

/** The number of output pixels along one side; less than 1 when the kernel does not fit the padded input. */
export function outputLength(input: number, kernel: number, stride: number, padding: number, dilation: number): number {
  return Math.floor((input + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
}

/** Elements of one image of the input, and of one of the output. */
export function imageSizes({ inputSize, inputChannels, outputSize, outputChannels }: Conv2dGeometry) {
  return {
    input: inputSize[0] * inputSize[1] * inputChannels,
    output: outputSize[0] * outputSize[1] * outputChannels,
  }
}

/** Elements of the weight. */
export function weightSize({ kernelSize, inputChannels, outputChannels, groups }: Conv2dGeometry): number {
  return kernelSize[0] * kernelSize[1] * (inputChannels / groups) * outputChannels
}

/** The multiply-adds of a convolution of one image, those with zeros of the padding included; its gradients take as many. */
export function multiplyAddsOfImage({ outputSize, outputChannels, kernelSize, inputChannels, groups }: Conv2dGeometry) {
  return outputSize[0] * outputSize[1] * outputChannels * kernelSize[0] * kernelSize[1] * (inputChannels / groups)
}

/** A 1x1 convolution that looks at every pixel once is a matrix product of [N * H * W, C] with [C, outputChannels]. */
export function isPointwise({ kernelSize, stride, padding, groups }: Conv2dGeometry): boolean {
  return (
    groups === 1 && [...kernelSize, ...stride].every((length) => length === 1) && padding.every((width) => width === 0)
  )
}

/**
 * The gradient of the input is computed phase by phase: input pixels whose coordinates leave the same remainder when divided by
 * the stride meet the same taps of the kernel, `stride` apart. Pairs are [height, width].
 */
export interface Phases {
  /** How many there are; along a side with a dilation, which mixes them, one. */
  readonly count: readonly [number, number]
  /** The pixels of the largest of them. */
  readonly size: readonly [number, number]
  /** The most taps that one of them meets. */
  readonly taps: readonly [number, number]
}

export function phasesOf({ inputSize, kernelSize, stride, dilation }: Conv2dGeometry): Phases {
  const count: [number, number] = [dilation[0] === 1 ? stride[0] : 1, dilation[1] === 1 ? stride[1] : 1]
  return {
    count,
    size: [Math.ceil(inputSize[0] / count[0]), Math.ceil(inputSize[1] / count[1])],
    taps: [Math.ceil(kernelSize[0] / count[0]), Math.ceil(kernelSize[1] / count[1])],
  }
}

/** The uniforms that shaders/conv2d/*.wgsl read. */
export const geometryUniforms = {
  inputHeight: 'u32',
  inputWidth: 'u32',
  inputChannels: 'u32',
  outputHeight: 'u32',
  outputWidth: 'u32',
  outputChannels: 'u32',
  kernelWidth: 'u32',
  strideHeight: 'u32',
  strideWidth: 'u32',
  paddingHeight: 'u32',
  paddingWidth: 'u32',
  dilationHeight: 'u32',
  dilationWidth: 'u32',
  groupInputs: 'u32',
  groupOutputs: 'u32',
} as const satisfies Record<string, UniformType>

export function geometryValues(geometry: Conv2dGeometry): Record<keyof typeof geometryUniforms, number> {
  const { inputSize, inputChannels, outputSize, outputChannels, stride, padding, dilation, groups } = geometry
  return {
    inputHeight: inputSize[0],
    inputWidth: inputSize[1],
    inputChannels,
    outputHeight: outputSize[0],
    outputWidth: outputSize[1],
    outputChannels,
    kernelWidth: geometry.kernelSize[1],
    strideHeight: stride[0],
    strideWidth: stride[1],
    paddingHeight: padding[0],
    paddingWidth: padding[1],
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    groupInputs: inputChannels / groups,
    groupOutputs: outputChannels / groups,
  }
}

/** Windows of images whose input and output fit one binding each. Weights are never cut: they must fit one binding. */
export function imageWindows(device: Device, kernel: string, geometry: Conv2dGeometry): RowWindow[] {
  const { input, output } = imageSizes(geometry)
  return offsetWindows(device, kernel, geometry.batch, [input * 4, output * 4])
}

/** Whether channels and offsets are multiples of four, so that GPUs may load four channels at once. */
export function areFours(...lengths: readonly number[]): boolean {
  return lengths.every((length) => length % 4 === 0)
}
