/** One step of stochastic gradient descent for one parameter, in place. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/optimizer/sgd.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import type { RowWindow } from '../grid.js'
import { defineKernel, read, type UniformValue, write } from '../kernel.js'
import type { StepGuard } from './guard.js'

const name = 'optimizer/sgd'
const bindings = { gradient: read('Value'), parameter: write('Value') }
const uniforms = { size: 'u32', learningRate: 'f32', weightDecay: 'f32' } as const
const guard = read('u32')
const plain = defineKernel({ name, source, bindings, uniforms })
const plainGuarded = defineKernel({ name, source, bindings: { ...bindings, guard }, uniforms })
const withMomentum = defineKernel({
  name,
  source,
  bindings: { ...bindings, velocity: write('Value') },
  uniforms: { ...uniforms, momentum: 'f32', gain: 'f32' },
})
const withMomentumGuarded = defineKernel({
  name,
  source,
  bindings: { ...bindings, velocity: write('Value'), guard },
  uniforms: { ...uniforms, momentum: 'f32', gain: 'f32', updates: 'u32' },
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
  /** Decides on the GPU whether anything is changed. */
  readonly guard?: StepGuard | undefined
  /** How often the velocity was updated, this step and those that were left out included; only for `guard`. */
  readonly updates?: UniformValue
}

/** Updates `parameter`, and `velocity` if there is one. */
export function sgdStep(device: Device, step: SgdArguments): void {
  const { gradient, parameter, velocity, size, nesterov, guard, updates = 1 } = step
  const { learningRate, weightDecay, momentum, gain } = step
  const common = { size, vectors: true, workPerElement: velocity ? 8 : 4 }
  const template = { momentum: velocity !== undefined, nesterov: velocity !== undefined && nesterov, guarded: !!guard }
  const buffers = { gradient, parameter }
  const rates = { learningRate, weightDecay }
  if (!velocity) {
    const values = ({ count }: RowWindow) => ({ size: count, ...rates })
    if (guard) {
      const guarded = { ...buffers, guard }
      dispatchElementwise(device, plainGuarded, {
        ...common,
        buffers: guarded,
        whole: ['guard'],
        uniforms: values,
        template,
      })
    } else dispatchElementwise(device, plain, { ...common, buffers, uniforms: values, template })
    return
  }
  const values = ({ count }: RowWindow) => ({ size: count, ...rates, momentum, gain })
  if (guard) {
    dispatchElementwise(device, withMomentumGuarded, {
      ...common,
      buffers: { ...buffers, velocity, guard },
      whole: ['guard'],
      uniforms: (window) => ({ ...values(window), updates }),
      template,
    })
  } else {
    dispatchElementwise(device, withMomentum, {
      ...common,
      buffers: { ...buffers, velocity },
      uniforms: values,
      template,
    })
  }
}
