/** output = input operator value, for an f32 tensor and a number. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/binary/scalar.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import type { BinaryOperator } from './binary.js'

const kernel = defineKernel({
  name: 'binary/scalar',
  source,
  bindings: { input: readFloats('vectors'), output: writeFloats('vectors') },
  uniforms: { size: 'u32', value: 'f32' },
})

export interface BinaryScalarArguments {
  readonly operator: BinaryOperator
  readonly input: DeviceBuffer
  readonly value: number
  readonly output: DeviceBuffer
  readonly size: number
}

export function binaryScalar(device: Device, { operator, input, value, output, size }: BinaryScalarArguments): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { input, output },
    vectors: true,
    uniforms: ({ count }) => ({ size: count, value }),
    template: { operator },
  })
}
