/** Products of matrices and of batches of matrices. */
import { ShapeError } from '../../device/errors.js'
import { reduceSum } from '../../kernels/reduce/sum.js'
import { checkDType } from '../check.js'
import { formatShape, type Shape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { matrixProduct } from './matrix-product.js'

export interface MatmulOptions {
  /** Whether the matrices of `a` (of `b`) are stored transposed; false by default. */
  readonly transposeA?: boolean
  readonly transposeB?: boolean
}

/** A tensor seen as a stack of matrices; a transposed one is `[depth, rows]` in memory. */
interface Matrices {
  readonly batches: number
  readonly rows: number
  readonly columns: number
}

/** A factor of a product, and whether its matrices are to be read transposed. */
interface Factor {
  readonly tensor: Tensor
  readonly transposed: boolean
}

/**
 * The matrix product of `a` [M, K] or [batch, M, K] with `b` [K, N] or [batch, K, N], f32. A transposed `a` is
 * [..., K, M], a transposed `b` is [..., N, K]. A batch of 1, or none, is used with every matrix of the other factor.
 *
 * @returns [M, N], or [batch, M, N] where a factor has a batch
 * @throws ShapeError when the shapes do not fit
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  for (const [name, tensor] of Object.entries({ a, b })) {
    checkDType('matmul', name, tensor, 'f32')
    if (tensor.rank !== 2 && tensor.rank !== 3) {
      throw new ShapeError('matmul', `${name} with 2 or 3 dimensions`, formatShape(tensor.shape))
    }
  }
  const factorA = { tensor: a, transposed: transposeA }
  const factorB = { tensor: b, transposed: transposeB }
  const [matricesA, matricesB] = [matricesOf(factorA), matricesOf(factorB)]
  if (matricesA.columns !== matricesB.rows) {
    throw new ShapeError(
      'matmul',
      `${matricesA.columns} rows in b, as many as a has columns`,
      `${matricesB.rows} (a ${describe(factorA)}, b ${describe(factorB)})`,
    )
  }
  if (matricesA.batches !== matricesB.batches && matricesA.batches !== 1 && matricesB.batches !== 1) {
    throw new ShapeError('matmul', 'equal batches, or one of them 1', `${matricesA.batches} and ${matricesB.batches}`)
  }
  const output = product(factorA, factorB, Math.max(a.rank, b.rank))
  const [shapeA, shapeB] = [a.shape, b.shape]
  return differentiable({
    name: 'matmul',
    inputs: { a, b },
    output,
    saves: (needs) => ({ a: needs.b ? a : undefined, b: needs.a ? b : undefined }),
    gradients: ({ gradient, saved, needs }) => {
      // op(A) gets G op(B)^T and op(B) gets op(A)^T G; a transposed factor gets the transpose of that
      const upstream = { tensor: gradient, transposed: false }
      const transpose = ({ tensor, transposed }: Factor) => ({ tensor, transposed: !transposed })
      const gradientOf = (left: Factor, right: Factor, transposed: boolean, shape: Shape) =>
        sumOfBatches(
          transposed ? product(transpose(right), transpose(left), gradient.rank) : product(left, right, gradient.rank),
          shape,
        )
      return {
        a: needs.a ? gradientOf(upstream, { tensor: saved.b, transposed: !transposeB }, transposeA, shapeA) : undefined,
        b: needs.b ? gradientOf({ tensor: saved.a, transposed: !transposeA }, upstream, transposeB, shapeB) : undefined,
      }
    },
  })
}

function matricesOf({ tensor: { shape }, transposed }: Factor): Matrices {
  const [rows, columns] = shape.slice(-2) as [number, number]
  const batches = shape.length === 3 ? shape[0]! : 1
  return transposed ? { batches, rows: columns, columns: rows } : { batches, rows, columns }
}

function describe({ tensor, transposed }: Factor): string {
  return formatShape(tensor.shape) + (transposed ? ' transposed' : '')
}

/** The product without a tape; `rank` is that of the result, whose batch is 1 if nothing says otherwise. */
function product(left: Factor, right: Factor, rank: number): Tensor {
  const { engine } = left.tensor
  const [a, b] = [matricesOf(left), matricesOf(right)]
  const batches = Math.max(a.batches, b.batches)
  const output = engine.empty(rank === 3 ? [batches, a.rows, b.columns] : [a.rows, b.columns])
  matrixProduct(engine, {
    left: left.tensor.buffer,
    right: right.tensor.buffer,
    output: output.buffer,
    batches,
    rows: a.rows,
    columns: b.columns,
    depth: a.columns,
    transposeLeft: left.transposed,
    transposeRight: right.transposed,
    sharedLeft: a.batches === 1,
    sharedRight: b.batches === 1,
  })
  return output
}

/** The gradient of a factor that served every batch is the sum of what each batch says. */
function sumOfBatches(gradient: Tensor, shape: Shape): Tensor {
  const { engine } = gradient
  const batches = gradient.rank === 3 ? gradient.shape[0]! : 1
  if (shape.length === 3 && shape[0] === batches) return gradient
  if (batches === 1) return gradient.alias(shape)
  const sum = engine.empty(shape)
  reduceSum(engine.device, {
    input: gradient.buffer,
    output: sum.buffer,
    outer: 1,
    extent: batches,
    inner: sum.size,
  })
  return sum
}
