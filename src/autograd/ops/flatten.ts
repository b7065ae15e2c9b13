/** Flattens images for a classifier, in PyTorch's order of features. */
import { ShapeError } from '../../device/errors.js'
import { formatShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { permute } from './permute.js'
import { reshape } from './reshape.js'

/**
 * Images `[N, H, W, C]` become `[N, C*H*W]` with the features in the order C, H, W, as PyTorch's `flatten(x, 1)` makes
 * them of its NCHW images: classifier weights need no conversion. Tensors of other ranks keep the order of their
 * elements: `[N, ...]` becomes `[N, product of the rest]`.
 *
 * The memory is shared where no element changes its place, as with one pixel or one channel.
 *
 * @throws ShapeError for a tensor with fewer than two dimensions
 */
export function flatten(input: Tensor): Tensor {
  if (input.rank < 2) throw new ShapeError('flatten', 'a batch, such as [N, H, W, C]', formatShape(input.shape))
  const ordered = input.rank === 4 ? permute(input, [0, 3, 1, 2]) : input
  return reshape(ordered, [input.shape[0]!, -1])
}
