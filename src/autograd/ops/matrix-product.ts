/** The matrix product's kernel with the variant that the tuner chooses. */
import { matmul, type MatmulArguments } from '../../kernels/matmul/matmul.js'
import { matmulTunable } from '../../tuning/matmul.js'
import type { Engine } from '../engine.js'

const arrays = ['left', 'right', 'output'] as const

/** output = left * right: see the kernel. */
export function matrixProduct({ device, tuner }: Engine, product: Omit<MatmulArguments, 'variant'>): void {
  const { batches = 1, rows, columns, depth } = product
  const { transposeLeft = false, transposeRight = false, sharedLeft = false, sharedRight = false } = product
  const sizes = { batches, rows, columns, depth }
  const halves = arrays.filter((name) => product[name].half)
  const stored = { transposeLeft, transposeRight, sharedLeft, sharedRight, halves }
  const choice = tuner.method(matmulTunable, { ...sizes, ...stored })
  matmul(device, { ...product, variant: choice.product })
}
