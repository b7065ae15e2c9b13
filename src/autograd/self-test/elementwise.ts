/** ReLU, arithmetic with broadcasting, casts, dropout. */
import { add, div, mul, sub } from '../ops/binary.js'
import { cast } from '../ops/cast.js'
import { dropout } from '../ops/dropout.js'
import { relu } from '../ops/relu.js'
import { broadcastShapes, type Shape } from '../shape.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { tabulate, Values } from './values.js'

const operators = {
  add: { run: add, compute: (a: number, b: number) => a + b },
  sub: { run: sub, compute: (a: number, b: number) => a - b },
  mul: { run: mul, compute: (a: number, b: number) => a * b },
  div: { run: div, compute: (a: number, b: number) => a / b },
}

const shape = [5, 67] as const

export const elementwiseChecks: readonly KernelCheck[] = [
  kernelCheck({
    kernel: 'relu',
    variant: '335 elements',
    inputs: { input: trainable(shape) },
    run: ({ input }) => relu(input),
    reference: ({ input }) => map(input, (value) => Math.max(value, 0)),
  }),
  ...Object.keys(operators).flatMap((name) => {
    const operator = name as keyof typeof operators
    return [
      arithmetic(operator, 'equal shapes', [7, 19], [7, 19]),
      arithmetic(operator, 'broadcast', [2, 3, 1, 5], [7, 1]),
      withNumber(operator),
    ]
  }),
  kernelCheck({
    kernel: 'cast',
    variant: 'bytes to numbers',
    inputs: { input: { shape: [259], values: Array.from({ length: 259 }, (_, i) => i % 256), dtype: 'u8' } },
    run: ({ input }) => cast(input, 'f32', { scale: 1 / 255 }),
    reference: ({ input }) => map(input, (value) => value / 255),
  }),
  kernelCheck({
    kernel: 'dropout',
    variant: 'p = 0.3',
    inputs: { input: trainable(shape) },
    run: ({ input }) => dropout(input, { p: 0.3 }),
    // which elements were dropped is random, so it is looked up; what becomes of the others is not
    reference: ({ input }, output) => map(input, (value, i) => (output.data[i] === 0 ? 0 : value / 0.7)),
  }),
]

function arithmetic(kernel: keyof typeof operators, variant: string, shapeA: Shape, shapeB: Shape): KernelCheck {
  const { run, compute } = operators[kernel]
  const shape = broadcastShapes(kernel, shapeA, shapeB)
  return kernelCheck({
    kernel,
    variant,
    inputs: { a: trainable(shapeA), b: trainable(shapeB, awayFromZero(shapeB)) },
    run: ({ a, b }) => run(a, b),
    reference: ({ a, b }) =>
      tabulate(shape, (...index: number[]) => compute(broadcastAt(a, index), broadcastAt(b, index))),
  })
}

function withNumber(kernel: keyof typeof operators): KernelCheck {
  const { run, compute } = operators[kernel]
  return kernelCheck({
    kernel,
    variant: 'with a number',
    inputs: { a: trainable(shape) },
    run: ({ a }) => run(a, 1.75),
    reference: ({ a }) => map(a, (value) => compute(value, 1.75)),
  })
}

/** The element at an index of the broadcast shape: dimensions are aligned at the last, those of length 1 repeat. */
function broadcastAt(values: Values, index: readonly number[]): number {
  const aligned = index.slice(index.length - values.shape.length)
  return values.at(...aligned.map((entry, i) => (values.shape[i] === 1 ? 0 : entry)))
}

/** Divisors of both signs, at least 0.5 in magnitude. */
function awayFromZero(shape: Shape): Float64Array {
  return tabulate(shape, (...index: number[]) => {
    const sum = index.reduce((a, b) => a * 3 + b, 1)
    return (sum % 2 === 0 ? 1 : -1) * (0.5 + (sum % 13) / 16)
  }).data
}

function map({ shape, data }: Values, compute: (value: number, i: number) => number): Values {
  return new Values(shape, data.map(compute))
}
