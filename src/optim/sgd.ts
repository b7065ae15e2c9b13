/** Stochastic gradient descent, with momentum, Nesterov's momentum and weight decay. */
import { OptionError } from '../device/errors.js'
import { sgdStep } from '../kernels/optimizer/sgd.js'
import { Optimizer, type ParameterUpdate } from './optimizer.js'
import { checkNumber, type CommonOptions, withoutUndefined } from './options.js'
import type { ParameterGroup, Parameters } from './parameters.js'

export interface SGDOptions extends CommonOptions {
  /** 0 by default. */
  momentum: number
  /** How much of the gradient does not go into the momentum; 0 by default. */
  dampening: number
  /** Added to the gradient, times the parameter; 0 by default. */
  weightDecay: number
  /** Look ahead along the momentum; needs momentum and no dampening. */
  nesterov: boolean
}

/** The learning rate has no default. */
export type SGDArguments = Partial<SGDOptions> & CommonOptions

/**
 * torch.optim.SGD, formula by formula:
 * https://pytorch.org/docs/1.13/generated/torch.optim.SGD.html
 */
export class SGD extends Optimizer<SGDOptions> {
  protected readonly stateNames = ['momentum_buffer']

  /** @throws OptionError for wrong parameters, an unknown option, or a value out of range */
  constructor(parameters: Parameters | Iterable<ParameterGroup<SGDOptions>>, options: SGDArguments) {
    const defaults = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false }
    super('SGD', parameters, { ...defaults, ...withoutUndefined(options) }, ['lr', ...Object.keys(defaults)])
  }

  protected kernelOptions({ nesterov }: SGDOptions): Partial<SGDOptions> {
    return { nesterov }
  }

  protected check({ momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    checkNumber('SGD: momentum', momentum)
    checkNumber('SGD: weightDecay', weightDecay)
    if (!Number.isFinite(dampening)) throw new OptionError('SGD: dampening', 'a number', dampening)
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      const got = `momentum ${momentum}, dampening ${dampening}`
      throw new OptionError('SGD: nesterov', 'momentum above 0 and dampening 0', got)
    }
  }

  protected stateNamesFor({ momentum }: SGDOptions): readonly string[] {
    return momentum === 0 ? [] : this.stateNames
  }

  protected update({ parameter, gradient, state, now, guard }: ParameterUpdate<SGDOptions>): void {
    sgdStep(this.engine.device, {
      gradient: gradient.buffer,
      parameter: parameter.buffer,
      velocity: state.get('momentum_buffer')?.buffer,
      size: parameter.size,
      learningRate: () => now().options.lr,
      weightDecay: () => now().options.weightDecay,
      momentum: () => now().options.momentum,
      // without damping the first time: then the momentum is the gradient itself
      gain: () => (now().updates === 1 ? 1 : 1 - now().options.dampening),
      nesterov: now().options.nesterov,
      guard: guard?.buffer,
      updates: () => now().updates,
    })
  }
}

/** Stochastic gradient descent; see `SGD`. */
export function sgd(parameters: Parameters | Iterable<ParameterGroup<SGDOptions>>, options: SGDArguments): SGD {
  return new SGD(parameters, options)
}
