/** Matrix products. */
import { linear } from '../ops/linear.js'
import { matmul } from '../ops/matmul.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { sumOver, tabulate } from './values.js'

export const matrixChecks: readonly KernelCheck[] = [
  product('33x65x17', { rows: 33, inner: 65, columns: 17 }),
  product('70x67x66', { rows: 70, inner: 67, columns: 66 }),
  product('first transposed', { rows: 19, inner: 33, columns: 35, transposeA: true }),
  product('second transposed', { rows: 19, inner: 33, columns: 35, transposeB: true }),
  product('both transposed', { rows: 19, inner: 33, columns: 35, transposeA: true, transposeB: true }),
  kernelCheck({
    kernel: 'matmul',
    variant: 'batch of 3',
    inputs: { a: trainable([3, 5, 9]), b: trainable([3, 9, 7]) },
    run: ({ a, b }) => matmul(a, b),
    reference: ({ a, b }) =>
      tabulate([3, 5, 7], (batch: number, row: number, column: number) =>
        sumOver(9, (k) => a.at(batch, row, k) * b.at(batch, k, column)),
      ),
  }),
  kernelCheck({
    kernel: 'linear',
    variant: '37 to 10',
    inputs: { input: trainable([5, 37]), weight: trainable([10, 37]), bias: trainable([10]) },
    run: ({ input, weight, bias }) => linear(input, weight, bias),
    reference: ({ input, weight, bias }) =>
      tabulate(
        [5, 10],
        (row: number, output: number) => sumOver(37, (k) => input.at(row, k) * weight.at(output, k)) + bias.at(output),
      ),
  }),
]

interface Product {
  readonly rows: number
  readonly inner: number
  readonly columns: number
  readonly transposeA?: boolean
  readonly transposeB?: boolean
}

function product(variant: string, { rows, inner, columns, ...transposed }: Product): KernelCheck {
  const { transposeA = false, transposeB = false } = transposed
  return kernelCheck({
    kernel: 'matmul',
    variant,
    inputs: {
      a: trainable(transposeA ? [inner, rows] : [rows, inner]),
      b: trainable(transposeB ? [columns, inner] : [inner, columns]),
    },
    run: ({ a, b }) => matmul(a, b, transposed),
    reference: ({ a, b }) =>
      tabulate([rows, columns], (row: number, column: number) =>
        sumOver(
          inner,
          (k) => (transposeA ? a.at(k, row) : a.at(row, k)) * (transposeB ? b.at(column, k) : b.at(k, column)),
        ),
      ),
  })
}
