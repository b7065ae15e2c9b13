/** Fills a buffer with uniformly distributed random numbers. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/random/uniform.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, write } from '../kernel.js'
import { elementsPerBlock, type RandomNumbers } from './random-numbers.js'

const kernel = defineKernel({
  name: 'random/uniform',
  source,
  bindings: { output: write() },
  uniforms: { size: 'u32', seed: 'u32', stream: 'u32', firstBlock: 'u32', low: 'f32', span: 'f32', largest: 'f32' },
})

export interface FillUniformArguments {
  /** f32. */
  readonly output: DeviceBuffer
  /** The number of elements. */
  readonly size: number
  readonly low: number
  /** Larger than `low`; not among the numbers itself. */
  readonly high: number
  readonly random: RandomNumbers
}

/** Numbers in [low, high), in steps of (high - low) / 2^24. They depend on `random` and the element's index only. */
export function fillUniform(
  device: Device,
  { output, size, low, high, random: { seed, stream } }: FillUniformArguments,
): void {
  dispatchElementwise(device, kernel, {
    size,
    buffers: { output },
    uniforms: ({ start, count }) => ({
      size: count,
      seed,
      stream,
      firstBlock: start / elementsPerBlock,
      low,
      span: high - low,
      largest: floatBelow(high),
    }),
    elementsPerInvocation: elementsPerBlock,
    workPerElement: 50,
  })
}

/** The largest f32 below a number. */
function floatBelow(value: number): number {
  const float = new Float32Array([value])
  const bits = new Int32Array(float.buffer)
  if (float[0]! < value) return float[0]!
  if (float[0] === 0) return -(2 ** -149)
  bits[0]! += float[0]! > 0 ? -1 : 1
  return float[0]!
}
