import { emptyMetadata, type StoredTensor } from '../weights-file.js'
import { difference, filled } from './derived.js'
import type { Convolution, Linear } from './layers.js'

/** Of the variance of a batch norm that does nothing: with torchvision's epsilon it is 1 in float32. */
const identityVariance = 1 - 1e-5

/** A network under torchvision's names, as it grows. */
export class Recognised {
  readonly tensors = new Map<string, StoredTensor>()
  readonly metadata = emptyMetadata()

  /**
   * A convolution without bias and its batch norm. A bias goes into the mean that is subtracted; where exporters folded
   * the batch norm into the convolution, it becomes one that only adds the bias.
   */
  addNormalised(convolution: string, batchNorm: string, layer: Convolution): void {
    const { weight, bias, outChannels } = layer
    this.tensors.set(`${convolution}.weight`, weight)
    const norm = layer.batchNorm
    if (norm === undefined) this.metadata.batch_norm = 'folded'
    const parameters = norm
      ? { ...norm, running_mean: bias ? difference(norm.running_mean, bias) : norm.running_mean }
      : {
          weight: filled(outChannels, 1),
          bias: bias ?? filled(outChannels, 0),
          running_mean: filled(outChannels, 0),
          running_var: filled(outChannels, identityVariance),
        }
    for (const [name, tensor] of Object.entries(parameters)) this.tensors.set(`${batchNorm}.${name}`, tensor)
  }

  /** A convolution with bias, and its batch norm where it has one. */
  addConvolution(convolution: string, batchNorm: string, { weight, bias, batchNorm: norm, outChannels }: Convolution) {
    this.tensors.set(`${convolution}.weight`, weight)
    this.tensors.set(`${convolution}.bias`, bias ?? filled(outChannels, 0))
    for (const [name, tensor] of Object.entries<StoredTensor>({ ...norm }))
      this.tensors.set(`${batchNorm}.${name}`, tensor)
  }

  addLinear(name: string, { weight, bias }: Linear): void {
    this.tensors.set(`${name}.weight`, weight)
    this.tensors.set(`${name}.bias`, bias)
  }
}
