/** What the kernels of the max pool's backward pass have in common. */
import type { DeviceBuffer } from '../../device/buffer.js'
import { read, readFloats, writeFloats } from '../kernel.js'

export const backwardBindings = {
  outputGradient: readFloats('vectors'),
  indices: read('Index'),
  output: readFloats('vectors'),
  inputGradient: writeFloats('vectors'),
}

export interface MaxPool2dBackwardBuffers {
  readonly outputGradient: DeviceBuffer
  /** Those that the forward kernel wrote, u32. */
  readonly indices: DeviceBuffer
  /** The output of the forward kernel, where that took `relu`. */
  readonly output: DeviceBuffer | undefined
  readonly inputGradient: DeviceBuffer
}

/** Template values and buffers of a dispatch, as `dispatchPool` takes them. */
export function backwardOperands({ outputGradient, indices, output, inputGradient }: MaxPool2dBackwardBuffers) {
  return {
    template: { relu: output !== undefined },
    buffers: {
      outputGradient: { buffer: outputGradient, side: 'output' },
      indices: { buffer: indices, side: 'output' },
      output: { buffer: output ?? outputGradient, side: 'output' }, // without relu, the kernels do not look at it
      inputGradient: { buffer: inputGradient, side: 'input' },
    },
  } as const
}
