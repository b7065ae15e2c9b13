/** Rows of a tensor by number. */
import { ShapeError } from '../../device/errors.js'
import { gatherBackward } from '../../kernels/gather/backward.js'
import { gatherForward } from '../../kernels/gather/forward.js'
import { checkDType } from '../check.js'
import { checkRank, sizeOf } from '../shape.js'
import { differentiable } from '../tape.js'
import { bytesPerElement, type Tensor } from '../tensor.js'

/**
 * output[k] = input[index[k]] along the first dimension, PyTorch's `index_select(input, 0, index)`.
 *
 * @param input [R, ...] of f32, i32 or u32
 * @param index i32 [K], from 0 to R - 1
 * @returns [K, ...]
 * @throws ShapeError; a `DataError` at the next read-back for an index that is no row
 */
export function gather(input: Tensor, index: Tensor): Tensor {
  if (input.rank === 0 || bytesPerElement[input.dtype] !== 4) {
    throw new ShapeError('gather', 'rows [R, ...] of f32, i32 or u32', input.toString())
  }
  checkRank('gather', index.shape, 1, 'an index [K]')
  checkDType('gather', 'index', index, 'i32')
  const { engine, shape } = input
  const layout = { rows: shape[0]!, entries: index.size, inner: sizeOf(shape.slice(1)) }
  const output = engine.empty([index.size, ...shape.slice(1)], input.dtype)
  gatherForward(engine.device, { input: input.buffer, index: index.buffer, output: output.buffer }, layout)
  return differentiable({
    name: 'gather',
    inputs: { input },
    output,
    saves: () => ({ index }),
    gradients: ({ gradient, saved }) => {
      const inputGradient = engine.empty(shape)
      gatherBackward(
        engine.device,
        { index: saved.index.buffer, outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
        layout,
      )
      return { input: inputGradient }
    },
  })
}
