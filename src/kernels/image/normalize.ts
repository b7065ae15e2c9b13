/** Bytes of images to normalized f32 channels. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/image/normalize.wgsl'
import { elementGrid, rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'image/normalize',
  source,
  bindings: { input: read('u32'), output: write() },
  uniforms: {
    size: 'u32',
    inputChannels: 'u32',
    channels: 'u32',
    mean0: 'f32',
    mean1: 'f32',
    mean2: 'f32',
    mean3: 'f32',
    std0: 'f32',
    std1: 'f32',
    std2: 'f32',
    std3: 'f32',
  },
})

/** The kernel takes at most so many channels. */
export const maxImageChannels = 4

export interface NormalizeArguments {
  /** u8 [pixels, inputChannels]. */
  readonly input: DeviceBuffer
  /** f32 [pixels, channels]. */
  readonly output: DeviceBuffer
  readonly pixels: number
  /** 1, or the same as `channels`. */
  readonly inputChannels: number
  readonly channels: number
  /** One number per output channel, of values from 0 to 1. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

export function imageNormalize(
  device: Device,
  { input, output, pixels, inputChannels, channels, mean, std }: NormalizeArguments,
): void {
  // the kernel does not look at channels past the last one, but every uniform needs a value
  const [mean0 = 0, mean1 = 0, mean2 = 0, mean3 = 0] = mean
  const [std0 = 1, std1 = 1, std2 = 1, std3 = 1] = std
  for (const window of rowWindows(device, kernel.name, pixels, [inputChannels, channels * 4])) {
    const size = window.count * channels
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { input: windowOf(input, window, inputChannels), output: windowOf(output, window, channels * 4) },
      uniforms: { size, inputChannels, channels, mean0, mean1, mean2, mean3, std0, std1, std2, std3 },
      workgroups: elementGrid(device, size),
      work: size * 4,
    })
  }
}
