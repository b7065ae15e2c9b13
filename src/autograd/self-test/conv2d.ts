/** conv2d by its definition: every output element is a sum over the window below it. */
import { conv2d } from '../ops/conv2d.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { sumOver, tabulate, Values } from './values.js'

interface Geometry {
  readonly input: readonly [number, number, number, number]
  /** [KH, KW, Cin / groups, Cout]. */
  readonly weight: readonly [number, number, number, number]
  readonly stride?: readonly [number, number]
  readonly padding?: readonly [number, number]
  readonly dilation?: readonly [number, number]
  readonly groups?: number
}

export const conv2dChecks: readonly KernelCheck[] = [
  convolution('1x1', { input: [2, 5, 7, 16], weight: [1, 1, 16, 33] }),
  convolution('3x3', { input: [1, 9, 11, 21], weight: [3, 3, 21, 34], padding: [1, 1] }),
  convolution('3x3, stride 2', { input: [2, 9, 8, 5], weight: [3, 3, 5, 7], stride: [2, 2], padding: [1, 1] }),
  convolution('7x7 stem', { input: [1, 13, 11, 3], weight: [7, 7, 3, 9], stride: [2, 2], padding: [3, 3] }),
  convolution('dilated', { input: [1, 11, 9, 4], weight: [3, 2, 4, 5], padding: [2, 0], dilation: [2, 3] }),
  convolution('3 groups', { input: [2, 6, 7, 6], weight: [3, 3, 2, 9], padding: [1, 0], groups: 3 }),
  convolution('depthwise', { input: [1, 7, 6, 17], weight: [3, 3, 1, 17], stride: [1, 2], groups: 17 }),
]

function convolution(variant: string, geometry: Geometry): KernelCheck {
  const { input, weight, stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = geometry
  return kernelCheck({
    kernel: 'conv2d',
    variant,
    inputs: { input: trainable(input), weight: trainable(weight), bias: trainable([weight[3]]) },
    run: (tensors) => conv2d(tensors.input, tensors.weight, tensors.bias, { stride, padding, dilation, groups }),
    reference: (values) => convolve(values, { stride, padding, dilation, groups }),
  })
}

function convolve(
  { input, weight, bias }: { input: Values; weight: Values; bias: Values },
  { stride, padding, dilation, groups }: Required<Omit<Geometry, 'input' | 'weight'>>,
): Values {
  const [batch, height, width] = input.shape as Geometry['input']
  const [kernelHeight, kernelWidth, groupInputs, outputs] = weight.shape as Geometry['weight']
  const lengths = [height, width].map((length, i) => {
    const window = dilation[i]! * ([kernelHeight, kernelWidth][i]! - 1) + 1
    return Math.floor((length + 2 * padding[i]! - window) / stride[i]!) + 1
  }) as [number, number]
  return tabulate([batch, ...lengths, outputs], (n: number, y: number, x: number, output: number) => {
    const firstInput = Math.floor(output / (outputs / groups)) * groupInputs
    const window = sumOver(kernelHeight, (ky) =>
      sumOver(kernelWidth, (kx) => {
        const row = y * stride[0] - padding[0] + ky * dilation[0]
        const column = x * stride[1] - padding[1] + kx * dilation[1]
        if (!input.has(n, row, column)) return 0
        return sumOver(groupInputs, (c) => input.at(n, row, column, firstInput + c) * weight.at(ky, kx, c, output))
      }),
    )
    return window + bias.at(output)
  })
}
