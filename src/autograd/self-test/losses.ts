/** Softmax, log-softmax, and the cross-entropy of PyTorch with label smoothing and ignored labels. */
import { crossEntropy, type CrossEntropyOptions } from '../ops/cross-entropy.js'
import { logSoftmax, softmax } from '../ops/softmax.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { sumOver, tabulate, type Values } from './values.js'

const shape = [9, 37] as const
const [rows, classes] = shape
const ignored = -100
const labels = Array.from({ length: rows }, (_, i) => (i % 4 === 1 ? ignored : (i * 11) % classes))

export const lossChecks: readonly KernelCheck[] = [
  kernelCheck({
    kernel: 'softmax',
    variant: 'rows',
    inputs: { input: trainable(shape) },
    run: ({ input }) => softmax(input),
    reference: ({ input }) => tabulate(shape, (row: number, c: number) => Math.exp(logProbability(input, row, c))),
  }),
  kernelCheck({
    kernel: 'logSoftmax',
    variant: 'rows',
    inputs: { input: trainable(shape) },
    run: ({ input }) => logSoftmax(input),
    reference: ({ input }) => tabulate(shape, (row: number, c: number) => logProbability(input, row, c)),
  }),
  entropy('mean', { reduction: 'mean' }),
  entropy('sum, smoothed', { reduction: 'sum', labelSmoothing: 0.1 }),
  entropy('mean, smoothed', { reduction: 'mean', labelSmoothing: 0.2 }),
]

function entropy(variant: string, options: CrossEntropyOptions & { reduction: 'mean' | 'sum' }): KernelCheck {
  const { labelSmoothing = 0, reduction } = options
  return kernelCheck({
    kernel: 'crossEntropy',
    variant,
    inputs: { input: trainable(shape), target: { shape: [rows], values: labels, dtype: 'i32' } },
    run: ({ input, target }) => crossEntropy(input, target, { ...options, ignoreIndex: ignored }),
    reference: ({ input, target }) =>
      tabulate([], () => {
        const total = sumOver(rows, (row) => {
          const label = target.at(row)
          if (label === ignored) return 0
          const even = sumOver(classes, (c) => logProbability(input, row, c)) / classes
          return -((1 - labelSmoothing) * logProbability(input, row, label) + labelSmoothing * even)
        })
        return reduction === 'mean' ? total / labels.filter((label) => label !== ignored).length : total
      }),
  })
}

function logProbability(logits: Values, row: number, column: number): number {
  return logits.at(row, column) - Math.log(sumOver(classes, (c) => Math.exp(logits.at(row, c))))
}
