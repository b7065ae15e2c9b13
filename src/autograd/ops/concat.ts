/** Joins tensors along one dimension. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { concatPart } from '../../kernels/concat/concat.js'
import { formatShape, normalizeDim, type Shape, sizeOf } from '../shape.js'
import { differentiable } from '../tape.js'
import { bytesPerElement, type Tensor } from '../tensor.js'
import { slice } from './slice.js'

export interface ConcatOptions {
  /** The dimension along which the tensors are joined; 0 by default, negative ones count from the end. */
  readonly dim?: number
}

/**
 * Joins tensors of one dtype (f32, i32 or u32) whose shapes are equal except along `dim`. The result's dimension `dim` is
 * the sum of theirs.
 *
 * @throws ShapeError when the shapes or dtypes do not go together, OptionError without any tensor
 */
export function concat(tensors: readonly Tensor[], { dim = 0 }: ConcatOptions = {}): Tensor {
  const [first] = tensors
  if (!first) throw new OptionError('concat: tensors', 'at least one tensor', 'none')
  const { engine } = first
  const along = normalizeDim('concat', dim, first.rank)
  for (const tensor of tensors) checkFits(first, tensor, along)

  const lengths = tensors.map(({ shape }) => shape[along]!)
  const starts = lengths.map((_length, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0))
  const shape = first.shape.map((length, i) => (i === along ? starts.at(-1)! + lengths.at(-1)! : length))
  const rows = sizeOf(shape.slice(0, along))
  const inner = sizeOf(shape.slice(along + 1))
  const output = engine.empty(shape, first.dtype)
  for (const [i, tensor] of tensors.entries()) {
    concatPart(engine.device, {
      input: tensor.buffer,
      output: output.buffer,
      rows,
      inputColumns: lengths[i]! * inner,
      outputColumns: shape[along]! * inner,
      firstColumn: starts[i]! * inner,
    })
  }
  return differentiable({
    name: 'concat',
    inputs: Object.fromEntries(tensors.map((tensor, i) => [String(i), tensor])),
    output,
    gradients: ({ gradient, needs }) =>
      Object.fromEntries(
        lengths.flatMap((length, i) =>
          needs[String(i)] ? [[String(i), block(gradient, along, starts[i]!, length)] as const] : [],
        ),
      ),
  })
}

/** The part of `length` elements from `start` along one dimension. */
function block(tensor: Tensor, dim: number, start: number, length: number): Tensor {
  const replaced = (other: Shape, value: number) => other.map((entry, i) => (i === dim ? value : entry))
  return slice(tensor, {
    starts: replaced(
      tensor.shape.map(() => 0),
      start,
    ),
    ends: replaced(tensor.shape, start + length),
  })
}

function checkFits(first: Tensor, tensor: Tensor, along: number): void {
  const fits = tensor.rank === first.rank && tensor.shape.every((length, i) => i === along || length === first.shape[i])
  if (!fits) {
    throw new ShapeError(
      'concat',
      `shapes that are equal except along dimension ${along}`,
      `${formatShape(first.shape)} and ${formatShape(tensor.shape)}`,
    )
  }
  if (tensor.dtype !== first.dtype || bytesPerElement[tensor.dtype] !== 4) {
    throw new ShapeError('concat', 'tensors of one dtype: f32, i32 or u32', `${first.dtype} and ${tensor.dtype}`)
  }
}
