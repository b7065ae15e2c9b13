/** Fills a buffer with normally distributed random numbers. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/random/normal.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, write } from '../kernel.js'
import { elementsPerBlock, type RandomNumbers } from './random-numbers.js'

const kernel = defineKernel({
  name: 'random/normal',
  source,
  bindings: { output: write() },
  uniforms: { size: 'u32', seed: 'u32', stream: 'u32', firstBlock: 'u32', mean: 'f32', deviation: 'f32' },
})

export interface FillNormalArguments {
  /** f32. */
  readonly output: DeviceBuffer
  /** The number of elements. */
  readonly size: number
  readonly mean: number
  /** The standard deviation. */
  readonly std: number
  readonly random: RandomNumbers
}

/**
 * Numbers of the normal distribution, at most 5.8 standard deviations from the mean. They depend on `random` and the
 * element's index only, up to the device's precision of logarithm, sine and cosine.
 */
export function fillNormal(
  device: Device,
  { output, size, mean, std, random: { seed, stream } }: FillNormalArguments,
): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { output },
    uniforms: ({ start, count }) => ({
      size: count,
      seed,
      stream,
      firstBlock: start / elementsPerBlock,
      mean,
      deviation: std,
    }),
    elementsPerInvocation: elementsPerBlock,
    workPerElement: 80,
  })
}
