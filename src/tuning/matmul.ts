/** Products of matrices, those of linear layers among them: which inner product. */
import { kernelTexts } from '../kernels/kernel.js'
import { matmul } from '../kernels/matmul/matmul.js'
import { type ProductVariant, productVariants, tilingOf } from '../kernels/matmul/tiling.js'
import { productCosts, type ProductSizes } from './product-cost.js'
import type { Tunable } from './tunable.js'

export interface MatmulProblem extends ProductSizes {
  readonly transposeLeft: boolean
  readonly transposeRight: boolean
  /** Whether there is only one left (right) matrix, which serves every batch. */
  readonly sharedLeft: boolean
  readonly sharedRight: boolean
  /** Which of the arrays are f16. */
  readonly halves: readonly ('left' | 'right' | 'output')[]
}

// a type, as interfaces are no records
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type MatmulChoice = { readonly product: ProductVariant }

export const matmulTunable: Tunable<MatmulProblem, MatmulChoice, 'left' | 'right' | 'output'> = {
  family: 'matmul',

  /** `[2048x64]^T * [2048x10]`, with `each ` in front of what comes in batches. */
  shape({ batches, rows, columns, depth, transposeLeft, transposeRight, sharedLeft, sharedRight, halves }) {
    const factor = (shared: boolean, transposed: boolean, height: number, width: number) =>
      `${shared || batches === 1 ? '' : 'each '}[${transposed ? `${width}x${height}]^T` : `${height}x${width}]`}`
    const product = `${factor(sharedLeft, transposeLeft, rows, depth)} * ${factor(sharedRight, transposeRight, depth, columns)}`
    return halves.length > 0 ? `${product}, f16 ${halves.join(' and ')}` : product
  },

  batch: ({ batches }) => batches,

  candidates(device, sizes) {
    const candidates = productCosts(device, sizes).map(({ product, factor }) => ({ method: { product }, cost: factor }))
    return candidates.sort((a, b) => a.cost - b.cost)
  },

  operations: ({ batches, rows, columns, depth }) => 2 * batches * rows * columns * depth,

  operands({ batches, rows, columns, depth, sharedLeft, sharedRight, halves }) {
    const sizeOf = (name: (typeof halves)[number], size: number) => ({ size, half: halves.includes(name) })
    return {
      left: sizeOf('left', (sharedLeft ? 1 : batches) * rows * depth),
      right: sizeOf('right', (sharedRight ? 1 : batches) * depth * columns),
      output: sizeOf('output', batches * rows * columns),
    }
  },

  run: (device, sizes, buffers, { product }) => matmul(device, { ...sizes, ...buffers, variant: product }),

  code: (device) => {
    // narrow products have tiles of their own
    const tilings = productVariants.flatMap((variant) => [8, 64].map((columns) => tilingOf(device, variant, columns)))
    return kernelTexts('matmul/') + JSON.stringify(tilings)
  },
}
