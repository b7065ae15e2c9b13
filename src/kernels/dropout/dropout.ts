/** Drops random elements and scales the others; the same kernel for activations and for their gradients. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/dropout/dropout.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, readFloats, writeFloats } from '../kernel.js'
import { elementsPerBlock, type RandomNumbers } from '../random/random-numbers.js'

const kernel = defineKernel({
  name: 'dropout/dropout',
  source,
  bindings: { input: readFloats(), output: writeFloats() },
  uniforms: { size: 'u32', seed: 'u32', stream: 'u32', firstBlock: 'u32', dropBelow: 'u32', scale: 'f32' },
})

export interface DropoutArguments {
  /** f32. */
  readonly input: DeviceBuffer
  /** f32. */
  readonly output: DeviceBuffer
  readonly size: number
  /** The probability that an element is dropped, at least 0 and below 1. */
  readonly p: number
  /** Equal random numbers drop equal elements. */
  readonly random: RandomNumbers
}

/** output[i] = 0 with probability `p`, else input[i] / (1 - p). */
export function dropout(device: Device, { input, output, size, p, random }: DropoutArguments): void {
  const { seed, stream } = random
  dispatchElementwise(device, kernel, {
    size,
    buffers: { input, output },
    uniforms: ({ start, count }) => ({
      size: count,
      seed,
      stream,
      firstBlock: start / elementsPerBlock,
      dropBelow: Math.floor(p * 2 ** 32),
      scale: 1 / (1 - p),
    }),
    elementsPerInvocation: elementsPerBlock,
    workPerElement: 50,
  })
}
