/** Operations that move elements without computing: permute, flatten, concat, pad, slice, gather. */
import { concat } from '../ops/concat.js'
import { flatten } from '../ops/flatten.js'
import { gather } from '../ops/gather.js'
import { pad } from '../ops/pad.js'
import { permute } from '../ops/permute.js'
import { slice } from '../ops/slice.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { tabulate } from './values.js'

const image = [2, 5, 7, 3] as const
const rowNumbers = [4, 0, 4, 2, 1]

export const rearrangementChecks: readonly KernelCheck[] = [
  kernelCheck({
    kernel: 'permute',
    variant: 'transposed matrix',
    inputs: { input: trainable([33, 18]) },
    run: ({ input }) => permute(input, [1, 0]),
    reference: ({ input }) => tabulate([18, 33], (row: number, column: number) => input.at(column, row)),
  }),
  kernelCheck({
    kernel: 'permute',
    variant: '4 dimensions',
    inputs: { input: trainable(image) },
    run: ({ input }) => permute(input, [2, 0, 3, 1]),
    reference: ({ input }) =>
      tabulate([7, 2, 3, 5], (x: number, n: number, c: number, y: number) => input.at(n, y, x, c)),
  }),
  kernelCheck({
    kernel: 'flatten',
    variant: 'image',
    inputs: { input: trainable(image) },
    run: ({ input }) => flatten(input),
    // the features are in the order channel, row, column
    reference: ({ input }) =>
      tabulate([2, 105], (n: number, i: number) => input.at(n, Math.floor(i / 7) % 5, i % 7, Math.floor(i / 35))),
  }),
  kernelCheck({
    kernel: 'concat',
    variant: 'columns',
    inputs: { a: trainable([5, 7]), b: trainable([5, 1]), c: trainable([5, 19]) },
    run: ({ a, b, c }) => concat([a, b, c], { dim: 1 }),
    reference: ({ a, b, c }) =>
      tabulate([5, 27], (row: number, i: number) =>
        i < 7 ? a.at(row, i) : i < 8 ? b.at(row, i - 7) : c.at(row, i - 8),
      ),
  }),
  kernelCheck({
    kernel: 'pad',
    variant: 'frame of 1 to 3',
    inputs: { input: trainable(image) },
    run: ({ input }) => {
      const padding = [
        [0, 0],
        [1, 2],
        [3, 0],
        [0, 1],
      ] as const
      return pad(input, { padding, value: 0.5 })
    },
    reference: ({ input }) =>
      tabulate([2, 8, 10, 4], (n: number, y: number, x: number, c: number) =>
        input.has(n, y - 1, x - 3, c) ? input.at(n, y - 1, x - 3, c) : 0.5,
      ),
  }),
  kernelCheck({
    kernel: 'slice',
    variant: 'block',
    inputs: { input: trainable(image) },
    run: ({ input }) => slice(input, { starts: [1, 2, 0, 1], ends: [2, 5, 6, 3] }),
    reference: ({ input }) =>
      tabulate([1, 3, 6, 2], (n: number, y: number, x: number, c: number) => input.at(n + 1, y + 2, x, c + 1)),
  }),
  kernelCheck({
    kernel: 'gather',
    variant: 'rows, one twice',
    inputs: { input: trainable([5, 13]), index: { shape: [5], values: rowNumbers, dtype: 'i32' } },
    run: ({ input, index }) => gather(input, index),
    reference: ({ input, index }) =>
      tabulate([5, 13], (row: number, column: number) => input.at(index.at(row), column)),
  }),
]
