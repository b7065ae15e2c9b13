/** One step of stochastic gradient descent for one parameter, in place. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/optimizer/sgd.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, type UniformValue, write } from '../kernel.js'

const name = 'optimizer/sgd'
const plain = defineKernel({
  name,
  source,
  bindings: { gradient: read('Value'), parameter: write('Value') },
  uniforms: { size: 'u32', learningRate: 'f32', weightDecay: 'f32' },
})
const withMomentum = defineKernel({
  name,
  source,
  bindings: { gradient: read('Value'), parameter: write('Value'), velocity: write('Value') },
  uniforms: { size: 'u32', learningRate: 'f32', weightDecay: 'f32', momentum: 'f32', gain: 'f32' },
})

/** What may change from step to step is a number or a function. */
export interface SgdArguments {
  readonly gradient: DeviceBuffer
  readonly parameter: DeviceBuffer
  /** PyTorch's momentum buffer; zeros before the first step. */
  readonly velocity?: DeviceBuffer
  /** The number of elements of each buffer. */
  readonly size: number
  readonly learningRate: UniformValue
  readonly weightDecay: UniformValue
  readonly momentum: UniformValue
  /** What the gradient is multiplied with when it is added to the velocity: 1 - dampening, or 1 in the first step. */
  readonly gain: UniformValue
  readonly nesterov: boolean
}

/** Updates `parameter`, and `velocity` if there is one. */
export function sgdStep(device: Device, step: SgdArguments): void {
  const { gradient, parameter, velocity, size, learningRate, weightDecay, momentum, gain, nesterov } = step
  if (!velocity) {
    dispatchElementwise(device, plain, {
      size,
      buffers: { gradient, parameter },
      vectors: true,
      uniforms: ({ count }) => ({ size: count, learningRate, weightDecay }),
      template: { momentum: false, nesterov: false },
      workPerElement: 4,
    })
    return
  }
  dispatchElementwise(device, withMomentum, {
    size,
    buffers: { gradient, parameter, velocity },
    vectors: true,
    uniforms: ({ count }) => ({ size: count, learningRate, weightDecay, momentum, gain }),
    template: { momentum: true, nesterov },
    workPerElement: 8,
  })
}
