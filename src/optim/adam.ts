/** Adam and AdamW. */
import { OptionError } from '../device/errors.js'
import { adamStep } from '../kernels/optimizer/adam.js'
import { Optimizer, type ParameterUpdate } from './optimizer.js'
import { checkNumber, type CommonOptions, withoutUndefined } from './options.js'
import type { ParameterGroup, Parameters } from './parameters.js'

export interface AdamOptions extends CommonOptions {
  /** How much of the running means of the gradient and of its square is kept each step; [0.9, 0.999] by default. */
  betas: readonly [number, number]
  /** Added to the denominator; 1e-8 by default. */
  eps: number
  /** 0 by default in Adam, which adds it to the gradient; 0.01 in AdamW, which shrinks the parameters with it. */
  weightDecay: number
}

/**
 * torch.optim.Adam without amsgrad, formula by formula:
 * https://pytorch.org/docs/1.13/generated/torch.optim.Adam.html
 */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly stateNames: readonly string[] = ['exp_avg', 'exp_avg_sq']
  protected readonly decoupled: boolean = false

  /** @throws OptionError for wrong parameters, an unknown option, or a value out of range */
  constructor(
    parameters: Parameters | Iterable<ParameterGroup<AdamOptions>>,
    options: Partial<AdamOptions> = {},
    name = 'Adam',
  ) {
    const defaults: AdamOptions = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 }
    super(name, parameters, { ...defaults, ...withoutUndefined(options) }, Object.keys(defaults))
  }

  protected stateNamesFor(): readonly string[] {
    return this.stateNames
  }

  protected kernelOptions(): Partial<AdamOptions> {
    return {}
  }

  protected check({ betas, eps, weightDecay }: AdamOptions): void {
    checkNumber(`${this.name}: eps`, eps)
    checkNumber(`${this.name}: weightDecay`, weightDecay)
    const given: readonly unknown[] = Array.isArray(betas) ? betas : []
    const inRange = (beta: unknown) => typeof beta === 'number' && beta >= 0 && beta < 1
    if (given.length !== 2 || !given.every(inRange)) {
      throw new OptionError(`${this.name}: betas`, 'two numbers, at least 0 and below 1', JSON.stringify(betas))
    }
  }

  protected update({ parameter, gradient, state, now, guard }: ParameterUpdate<AdamOptions>): void {
    adamStep(this.engine.device, {
      gradient: gradient.buffer,
      parameter: parameter.buffer,
      firstMoment: state.get('exp_avg')!.buffer,
      secondMoment: state.get('exp_avg_sq')!.buffer,
      size: parameter.size,
      learningRate: () => now().options.lr,
      betas: [() => now().options.betas[0], () => now().options.betas[1]],
      epsilon: () => now().options.eps,
      weightDecay: () => now().options.weightDecay,
      step: () => now().step,
      decoupled: this.decoupled,
      guard: guard?.buffer,
    })
  }
}

/**
 * torch.optim.AdamW without amsgrad, formula by formula:
 * https://pytorch.org/docs/1.13/generated/torch.optim.AdamW.html
 */
export class AdamW extends Adam {
  protected override readonly decoupled = true

  /** @throws OptionError for wrong parameters, an unknown option, or a value out of range */
  constructor(parameters: Parameters | Iterable<ParameterGroup<AdamOptions>>, options: Partial<AdamOptions> = {}) {
    super(parameters, { weightDecay: 0.01, ...withoutUndefined(options) }, 'AdamW')
  }
}

/** Adam; see `Adam`. */
export function adam(
  parameters: Parameters | Iterable<ParameterGroup<AdamOptions>>,
  options: Partial<AdamOptions> = {},
): Adam {
  return new Adam(parameters, options)
}

/** Adam with decoupled weight decay; see `AdamW`. */
export function adamW(
  parameters: Parameters | Iterable<ParameterGroup<AdamOptions>>,
  options: Partial<AdamOptions> = {},
): AdamW {
  return new AdamW(parameters, options)
}
