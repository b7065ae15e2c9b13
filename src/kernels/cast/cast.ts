/** Converts numbers from one type to another. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/cast/cast.wgsl'
import { dispatchElementwise } from '../elementwise.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'cast/cast',
  source,
  bindings: { input: read('${inputElement}'), output: write('${outputElement}') },
  uniforms: { size: 'u32', scale: 'f32' },
})

export interface CastArguments {
  readonly input: DeviceBuffer
  readonly output: DeviceBuffer
  readonly size: number
  readonly from: 'f32' | 'i32' | 'u32' | 'u8'
  readonly to: 'f32' | 'i32' | 'u32'
  /** What f32 results are multiplied by. */
  readonly scale: number
}

export function cast(device: Device, { input, output, size, from, to, scale }: CastArguments): void {
  const fromBytes = from === 'u8'
  dispatchElementwise(device, kernel, {
    size,
    buffers: { input, output },
    elementBytes: { input: fromBytes ? 1 : 4 },
    uniforms: ({ count }) => ({ size: count, scale }),
    template: { fromBytes, toFloat: to === 'f32', inputElement: fromBytes ? 'u32' : from, outputElement: to },
  })
}
