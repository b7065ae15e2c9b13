/** `fuse()` of all models: the same network without batch norms, for inference. */
import type { BatchNorm2d } from '../nn/batch-norm-2d.js'
import { fuseInto } from '../nn/fuse.js'
import type { Identity } from '../nn/simple.js'
import type { Classifier } from './classifier.js'

/**
 * What follows a convolution, torchvision's `norm_layer`: a batch norm, or nothing where it is folded into the convolution,
 * which then is a `FusedConv2d`. An `Identity` keeps the place, and so the names of all other layers.
 */
export type NormLayer = typeof BatchNorm2d | typeof Identity

/**
 * See `Classifier.fuse`.
 *
 * @param build makes the network anew, with `Identity` as norm layer where `model` has batch norms
 */
export function fused<M extends Classifier>(model: M, build: () => M): M {
  const { engine } = model
  const random = engine.random.state
  const copy = engine.device.withoutRunning(build) // without initial values, and without using up random numbers
  engine.random.state = random
  try {
    fuseInto(copy, model)
  } catch (error) {
    copy.dispose()
    throw error
  }
  copy.loadReport = model.loadReport
  return copy.eval().freeze()
}
