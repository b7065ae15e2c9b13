/** One step of Adam or AdamW for one parameter, in place. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/optimizer/adam.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, type UniformValue, valueOf, write } from '../kernel.js'
import type { StepGuard } from './guard.js'

const name = 'optimizer/adam'
const bindings = {
  gradient: read('Value'),
  parameter: write('Value'),
  firstMoment: write('Value'),
  secondMoment: write('Value'),
}
const uniforms = {
  size: 'u32',
  beta1: 'f32',
  oneMinusBeta1: 'f32',
  beta2: 'f32',
  oneMinusBeta2: 'f32',
  epsilon: 'f32',
  decay: 'f32',
} as const
const kernel = defineKernel({
  name,
  source,
  bindings,
  uniforms: { ...uniforms, stepSize: 'f32', secondCorrection: 'f32' },
})
const guardedKernel = defineKernel({
  name,
  source,
  bindings: { ...bindings, guard: read('u32') },
  uniforms: { ...uniforms, learningRate: 'f32', logBeta1: 'f32', logBeta2: 'f32', step: 'u32' },
})

/** What may change from step to step is a number or a function. */
export interface AdamArguments {
  readonly gradient: DeviceBuffer
  readonly parameter: DeviceBuffer
  /** PyTorch's exp_avg and exp_avg_sq; zeros before the first step. */
  readonly firstMoment: DeviceBuffer
  readonly secondMoment: DeviceBuffer
  /** The number of elements of each buffer. */
  readonly size: number
  readonly learningRate: UniformValue
  readonly betas: readonly [UniformValue, UniformValue]
  readonly epsilon: UniformValue
  readonly weightDecay: UniformValue
  /** The number of this step, from 1. */
  readonly step: UniformValue
  /** AdamW: the weight decay shrinks the parameter, instead of being added to the gradient. */
  readonly decoupled: boolean
  /** Decides on the GPU whether anything is changed. */
  readonly guard?: StepGuard | undefined
}

/** Updates `parameter`, `firstMoment` and `secondMoment`. */
export function adamStep(device: Device, options: AdamArguments): void {
  const { gradient, parameter, firstMoment, secondMoment, size, decoupled, learningRate, weightDecay, step, guard } =
    options
  const [beta1, beta2] = options.betas
  const values = {
    beta1,
    oneMinusBeta1: () => 1 - valueOf(beta1),
    beta2,
    oneMinusBeta2: () => 1 - valueOf(beta2),
    epsilon: options.epsilon,
    decay: () => (decoupled ? valueOf(learningRate) : 1) * valueOf(weightDecay),
  }
  const buffers = { gradient, parameter, firstMoment, secondMoment }
  const common = { size, vectors: true, workPerElement: 20 }
  if (guard) {
    const stepValues = { learningRate, logBeta1: () => logOf(beta1), logBeta2: () => logOf(beta2), step }
    dispatchElementwise(device, guardedKernel, {
      ...common,
      buffers: { ...buffers, guard },
      whole: ['guard'],
      uniforms: ({ count }) => ({ size: count, ...values, ...stepValues }),
      template: { decoupled, guarded: true },
    })
    return
  }
  const stepValues = {
    stepSize: () => valueOf(learningRate) / (1 - valueOf(beta1) ** valueOf(step)),
    secondCorrection: () => Math.sqrt(1 - valueOf(beta2) ** valueOf(step)),
  }
  dispatchElementwise(device, kernel, {
    ...common,
    buffers,
    uniforms: ({ count }) => ({ size: count, ...values, ...stepValues }),
    template: { decoupled, guarded: false },
  })
}

/** The logarithm of a beta, which may be 0: then any number whose exponential is 0 in f32. */
function logOf(beta: UniformValue): number {
  return Math.max(Math.log(valueOf(beta)), -1000)
}
