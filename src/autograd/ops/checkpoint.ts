/**
 * Gradient checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016): what a part of a network saves
 * for the backward pass is dropped, and computed again when the backward pass gets there.
 */
import { AutogradError, ShapeError } from '../../device/errors.js'
import { noLabel } from '../../device/label.js'
import type { RandomNumbers } from '../../kernels/random/random-numbers.js'
import { formatShape, sameShape } from '../shape.js'
import { TapeNode } from '../tape-node.js'
import type { Tensor } from '../tensor.js'

/**
 * `body(...inputs)`, of which only the inputs are kept for the backward pass: that runs `body` a second time. The results and
 * gradients have the same bits as without. As torch.utils.checkpoint with `use_reentrant=False`: parameters that `body` uses get
 * their gradients too, dropout drops the same elements in both runs, and running statistics move once.
 *
 * @param body a synchronous function that computes the same both times; hooks of modules in it run both times
 * @throws AutogradError in the backward pass when `body` gives something else the second time
 */
export function checkpoint(body: (...inputs: Tensor[]) => Tensor, ...inputs: readonly [Tensor, ...Tensor[]]): Tensor {
  const [{ engine }] = inputs
  if (!engine.gradEnabled) return body(...inputs)
  const draws: RandomNumbers[] = []
  return engine.scope(() => {
    const leaves = inputs.map((input) => leafOf(input, input.requiresGrad))
    const output = engine.recomputation.record(draws, () => engine.scope(() => body(...leaves)))
    const passedOn = leaves.indexOf(output)
    if (passedOn >= 0) return inputs[passedOn]!
    const result = output.detach() // the tape behind `output` ends with this scope, and with it what it saved
    if (!output.requiresGrad) return result
    const saved = inputs.map((input) => input.detach())
    for (const tensor of saved) engine.scopes.keep(tensor) // the tape owns it, not the scope
    const { shape } = result
    const requiresGrad = inputs.map((input) => input.requiresGrad)
    const { label } = engine.device
    result.handle.node = new TapeNode(
      'checkpoint',
      inputs.flatMap((input, i) => (input.requiresGrad ? [edgeTo(input, String(i))] : [])),
      new Map(saved.map((tensor, i) => [String(i), tensor])),
      result.handle,
      (gradient, tensors) => {
        const again = inputs.map((_, i) => leafOf(tensors[i]!, requiresGrad[i]!))
        if (label !== noLabel) engine.device.label = { ...label, phase: 'recompute' }
        const recomputed = engine.enableGrad(() =>
          engine.recomputation.replay(draws, () => engine.scope(() => body(...again))),
        )
        checkRecomputed(recomputed, shape)
        recomputed.backward({ gradient })
        return Object.fromEntries(again.map((leaf, i) => [String(i), leaf.grad]))
      },
      label,
    )
    return result
  })
}

/** The same memory as a leaf. */
function leafOf(tensor: Tensor, requiresGrad: boolean): Tensor {
  const leaf = tensor.detach()
  leaf.requiresGrad = requiresGrad
  return leaf
}

function edgeTo(tensor: Tensor, input: string) {
  const { shape, dtype, node, isLeaf } = tensor
  return { input, shape, dtype, node, leaf: isLeaf ? tensor : undefined }
}

function checkRecomputed(output: Tensor, shape: readonly number[]): void {
  if (!sameShape(output.shape, shape)) {
    throw new ShapeError('checkpoint', `${formatShape(shape)} again`, formatShape(output.shape))
  }
  if (!output.node) {
    throw new AutogradError('checkpoint: the function depended on tensors with gradients, but not the second time')
  }
}
