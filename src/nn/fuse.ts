/**
 * Folding batch norms into convolutions. With running statistics a batch norm multiplies each channel by a constant and
 * adds another. A convolution can do that itself, with other weights and another bias (torch.nn.utils.fusion).
 */
import { batchNorm2d } from '../autograd/ops/batch-norm-2d.js'
import { reshape } from '../autograd/ops/reshape.js'
import { sameShape } from '../autograd/shape.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { BatchNorm2d } from './batch-norm-2d.js'
import { Conv2d } from './conv2d.js'
import { FusedConv2d } from './fused-conv2d.js'
import type { Module } from './module.js'
import { Identity } from './simple.js'

/**
 * Sets all parameters of a network without batch norms such that it computes what a network with them computes in
 * evaluation mode.
 *
 * @param fused has the modules of `original` under the same names, but an `Identity` for each `BatchNorm2d`, and a
 *   `FusedConv2d` for the convolution that is declared right before it
 * @throws OptionError unless it does: then somebody has replaced layers of the original
 */
export function fuseInto(fused: Module, original: Module): void {
  const { engine } = fused
  const pairs = modulePairs(fused, original)
  engine.noGrad(() => {
    for (const [i, { name, target, source }] of pairs.entries()) {
      if (source instanceof BatchNorm2d) continue // it went into the convolution before
      const next = pairs[i + 1]?.source
      engine.scope(() => {
        const folds = source instanceof Conv2d && next instanceof BatchNorm2d
        assign(name, target, folds ? foldedParameters(source, next) : source.ownParameters())
      })
    }
  })
}

/**
 * The parameters of a convolution that does the work of the batch norm after it too, per output channel:
 * weight * scale and (bias - running mean) * scale + norm.bias, with scale = norm.weight / sqrt(running variance + eps).
 */
function foldedParameters(conv: Conv2d, norm: BatchNorm2d): [weight: Tensor, bias: Tensor] {
  const { weight, bias, runningMean, runningVar, eps } = norm
  const zeros = conv.engine.zeros([conv.outChannels])
  const withoutShift = { weight, bias: zeros, runningMean: zeros, runningVar, eps, mode: 'evaluation' } as const
  const withShift = { ...withoutShift, bias, runningMean }
  // channels are last in [KH, KW, Cin, Cout] as in images: the batch norm itself does the arithmetic, on weight and bias
  const foldedWeight = batchNorm2d(conv.weight, withoutShift)
  const foldedBias = batchNorm2d(reshape(conv.bias ?? zeros, [1, 1, 1, conv.outChannels]), withShift)
  return [foldedWeight, reshape(foldedBias, [conv.outChannels])]
}

interface ModulePair {
  readonly name: string
  readonly target: Module
  readonly source: Module
}

/** The modules of both networks side by side. */
function modulePairs(fused: Module, original: Module): ModulePair[] {
  const targets = [...fused.namedModules()]
  const sources = [...original.namedModules()]
  const pairs = targets.map(([name, target], i): ModulePair => {
    const [sourceName, source] = sources[i] ?? []
    if (!source || sourceName !== name || target.constructor !== kindAfterFusing(source, sources[i + 1]?.[1])) {
      throw replaced(original, name, original.namedModules().get(name))
    }
    return { name, target, source }
  })
  const [more] = sources.slice(pairs.length)
  if (more) throw replaced(original, ...more)
  return pairs
}

function kindAfterFusing(module: Module, next: Module | undefined): unknown {
  if (module instanceof BatchNorm2d) return Identity
  if (module instanceof Conv2d && next instanceof BatchNorm2d) return FusedConv2d
  return module.constructor
}

/** Copies values into the parameters of one module. */
function assign(name: string, module: Module, values: readonly Tensor[]): void {
  const parameters = module.ownParameters()
  if (parameters.length !== values.length || !parameters.every(({ shape }, i) => sameShape(shape, values[i]!.shape))) {
    throw new OptionError('fuse', 'parameters of the shapes that the model was made with', `others in ${name}`)
  }
  for (const [i, parameter] of parameters.entries()) {
    parameter.beforeInPlaceWrite('fuse')
    module.engine.device.copy(values[i]!.buffer, 0, parameter.buffer, 0, parameter.size * 4)
  }
}

function replaced(original: Module, name: string, found: Module | undefined): OptionError {
  const expected = `a ${original.typeName} of the layers that it was made with`
  return new OptionError('fuse', expected, `${found ? `a ${found.typeName}` : 'nothing'} as ${name}`)
}
