/** The optimizers' kernels: one step from given moments. Formulas as in PyTorch's documentation of Adam, AdamW and SGD. */
import { adamStep } from '../../kernels/optimizer/adam.js'
import { sgdStep } from '../../kernels/optimizer/sgd.js'
import { kernelCheck, type KernelCheck } from './check.js'
import { Values } from './values.js'

const shape = [131] as const
const positive = Array.from({ length: 131 }, (_, i) => 0.01 + (i % 17) / 20)
const [learningRate, weightDecay, momentum] = [0.05, 0.1, 0.9]
const betas = [0.9, 0.99] as const
const [step, epsilon] = [3, 1e-8]

export const updateChecks: readonly KernelCheck[] = [
  adam('adam', false),
  adam('adamW', true),
  sgd('momentum', false),
  sgd('nesterov', true),
]

function adam(kernel: string, decoupled: boolean): KernelCheck {
  return kernelCheck({
    kernel,
    variant: 'third step',
    inputs: {
      parameter: { shape },
      gradient: { shape },
      firstMoment: { shape },
      secondMoment: { shape, values: positive },
    },
    run({ parameter, gradient, firstMoment, secondMoment }, { device }) {
      adamStep(device, {
        gradient: gradient.buffer,
        parameter: parameter.buffer,
        firstMoment: firstMoment.buffer,
        secondMoment: secondMoment.buffer,
        size: parameter.size,
        learningRate,
        betas,
        epsilon,
        weightDecay,
        step,
        decoupled,
      })
      return parameter
    },
    reference: ({ parameter, gradient, firstMoment, secondMoment }) => {
      const [beta1, beta2] = betas
      return elementwise((i) => {
        const value = parameter.at(i) * (decoupled ? 1 - learningRate * weightDecay : 1)
        const slope = gradient.at(i) + (decoupled ? 0 : weightDecay * parameter.at(i))
        const first = (beta1 * firstMoment.at(i) + (1 - beta1) * slope) / (1 - beta1 ** step)
        const second = (beta2 * secondMoment.at(i) + (1 - beta2) * slope ** 2) / (1 - beta2 ** step)
        return value - (learningRate * first) / (Math.sqrt(second) + epsilon)
      })
    },
  })
}

function sgd(variant: string, nesterov: boolean): KernelCheck {
  return kernelCheck({
    kernel: 'sgd',
    variant,
    inputs: { parameter: { shape }, gradient: { shape }, velocity: { shape } },
    run({ parameter, gradient, velocity }, { device }) {
      sgdStep(device, {
        gradient: gradient.buffer,
        parameter: parameter.buffer,
        velocity: velocity.buffer,
        size: parameter.size,
        learningRate,
        weightDecay,
        momentum,
        gain: 1,
        nesterov,
      })
      return parameter
    },
    reference: ({ parameter, gradient, velocity }) =>
      elementwise((i) => {
        const slope = gradient.at(i) + weightDecay * parameter.at(i)
        const speed = momentum * velocity.at(i) + slope
        return parameter.at(i) - learningRate * (nesterov ? slope + momentum * speed : speed)
      }),
  })
}

function elementwise(compute: (i: number) => number): Values {
  return new Values(
    shape,
    Float64Array.from({ length: shape[0] }, (_, i) => compute(i)),
  )
}
