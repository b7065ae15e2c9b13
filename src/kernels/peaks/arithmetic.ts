/** Multiply-adds in registers, to measure how many of them an adapter can do. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/peaks/arithmetic.wgsl'
import { elementGrid } from '../grid.js'
import { defineKernel, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'peaks/arithmetic',
  source,
  bindings: { output: write() },
  uniforms: { size: 'u32', rounds: 'u32', factor: 'f32', summand: 'f32' },
})

/** Multiply-adds of one invocation in one round: 32 for each of its 8 numbers. */
export const multiplyAddsPerRound = 32 * 8

export interface PeakArithmetic {
  /** f32, one for each invocation: the sum of its numbers. It fits one binding. */
  readonly output: DeviceBuffer
  /** The number of invocations. */
  readonly size: number
  readonly rounds: number
  readonly factor: number
  readonly summand: number
}

export function peakArithmetic(device: Device, { output, size, rounds, factor, summand }: PeakArithmetic): void {
  kernel.dispatch(device, {
    template: { workgroupSize: device.workgroupSize },
    bindings: { output },
    uniforms: { size, rounds, factor, summand },
    workgroups: elementGrid(device, size),
    work: 2 * size * rounds * multiplyAddsPerRound,
  })
}
