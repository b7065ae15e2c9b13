/** The pools by their definitions. */
import { adaptiveAvgPool2d } from '../ops/adaptive-avg-pool-2d.js'
import { avgPool2d } from '../ops/avg-pool-2d.js'
import { maxPool2d } from '../ops/max-pool-2d.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { tabulate, type Values } from './values.js'

const shape = [2, 9, 8, 5] as const
const lowest = -3.4028234663852886e38

export const poolingChecks: readonly KernelCheck[] = [
  maximum('2x2', { kernelSize: 2, stride: 2, padding: 0 }),
  maximum('3x3, stride 2, padding 1', { kernelSize: 3, stride: 2, padding: 1 }),
  maximum('2x2, stride 1', { kernelSize: 2, stride: 1, padding: 0 }),
  average('2x2', { kernelSize: 2, stride: 2, padding: 0 }),
  average('3x3, stride 2, padding 1', { kernelSize: 3, stride: 2, padding: 1 }),
  adaptive('to 1x1', [1, 1]),
  adaptive('to 4x3', [4, 3]),
  adaptive('to 11x9', [11, 9]),
]

interface Window {
  readonly kernelSize: number
  readonly stride: number
  readonly padding: number
}

function maximum(variant: string, window: Window): KernelCheck {
  return kernelCheck({
    kernel: 'maxPool2d',
    variant,
    inputs: { input: trainable(shape) },
    run: ({ input }) => maxPool2d(input, window),
    reference: ({ input }) => pool(input, window, (elements) => Math.max(lowest, ...elements)),
  })
}

/** Padding counts as zeros, which is PyTorch's default. */
function average(variant: string, window: Window): KernelCheck {
  return kernelCheck({
    kernel: 'avgPool2d',
    variant,
    inputs: { input: trainable(shape) },
    run: ({ input }) => avgPool2d(input, window),
    reference: ({ input }) => pool(input, window, (elements) => total(elements) / window.kernelSize ** 2),
  })
}

/** Output i covers the input from floor(i * in / out) to ceil((i + 1) * in / out). */
function adaptive(variant: string, outputSize: readonly [number, number]): KernelCheck {
  const [batch, height, width, channels] = shape
  const range = (i: number, from: number, to: number) => {
    const start = Math.floor((i * from) / to)
    return Array.from({ length: Math.ceil(((i + 1) * from) / to) - start }, (_, offset) => start + offset)
  }
  return kernelCheck({
    kernel: 'adaptiveAvgPool2d',
    variant,
    inputs: { input: trainable(shape) },
    run: ({ input }) => adaptiveAvgPool2d(input, outputSize),
    reference: ({ input }) =>
      tabulate([batch, ...outputSize, channels], (n: number, y: number, x: number, c: number) => {
        const columns = range(x, width, outputSize[1])
        const elements = range(y, height, outputSize[0]).flatMap((row) =>
          columns.map((column) => input.at(n, row, column, c)),
        )
        return total(elements) / elements.length
      }),
  })
}

/** Applies a function to the elements of each window that lie inside of the image. */
function pool(input: Values, { kernelSize, stride, padding }: Window, reduce: (elements: number[]) => number): Values {
  const [batch, height, width, channels] = input.shape as readonly [number, number, number, number]
  const length = (size: number) => Math.floor((size + 2 * padding - kernelSize) / stride) + 1
  const window = Array.from({ length: kernelSize }, (_, i) => i)
  return tabulate([batch, length(height), length(width), channels], (n: number, y: number, x: number, c: number) => {
    const elements = window.flatMap((ky) =>
      window.flatMap((kx) => {
        const [row, column] = [y * stride - padding + ky, x * stride - padding + kx]
        return input.has(n, row, column) ? [input.at(n, row, column, c)] : []
      }),
    )
    return reduce(elements)
  })
}

function total(elements: readonly number[]): number {
  return elements.reduce((sum, element) => sum + element, 0)
}
