/** sum, mean, max and argmax over dimensions. */
import { argmax, max, mean, sum } from '../ops/reduce.js'
import type { Shape } from '../shape.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { tabulate, type Values } from './values.js'

const operations = {
  sum: { run: sum, compute: total },
  mean: { run: mean, compute: (elements: readonly number[]) => total(elements) / elements.length },
  max: { run: max, compute: (elements: readonly number[]) => Math.max(...elements) },
}

const shape = [3, 65, 4, 5] as const

export const reductionChecks: readonly KernelCheck[] = [
  ...Object.keys(operations).flatMap((name) => {
    const operation = name as keyof typeof operations
    return [
      reduction(operation, 'rows', [37, 70], [1]),
      reduction(operation, 'columns', [130, 7], [0]),
      reduction(operation, 'middle dimensions', shape, [1, 2]),
      reduction(operation, 'everything', [33, 31], [0, 1]),
    ]
  }),
  kernelCheck({
    kernel: 'argmax',
    variant: 'rows',
    inputs: { input: { shape: [37, 70] } },
    run: ({ input }) => argmax(input, { dim: 1 }),
    reference: ({ input }) => reduced(input, [1], (elements) => elements.indexOf(Math.max(...elements))),
  }),
]

function reduction(kernel: keyof typeof operations, variant: string, of: Shape, dim: readonly number[]): KernelCheck {
  const { run, compute } = operations[kernel]
  return kernelCheck({
    kernel,
    variant,
    inputs: { input: trainable(of) },
    run: ({ input }) => run(input, { dim }),
    reference: ({ input }) => reduced(input, dim, compute),
  })
}

/** Applies a function to the elements along some dimensions, in row-major order. */
function reduced(input: Values, dim: readonly number[], compute: (elements: number[]) => number): Values {
  const lengths = dim.map((d) => input.shape[d]!)
  const kept = input.shape.map((_, i) => i).filter((i) => !dim.includes(i))
  return tabulate(
    kept.map((i) => input.shape[i]!),
    (...outer: number[]) => {
      const elements: number[] = []
      tabulate(lengths, (...inner: number[]) => {
        const index = input.shape.map((_, i) => (dim.includes(i) ? inner[dim.indexOf(i)]! : outer[kept.indexOf(i)]!))
        return elements.push(input.at(...index))
      })
      return compute(elements)
    },
  )
}

function total(elements: readonly number[]): number {
  return elements.reduce((result, element) => result + element, 0)
}
