/** Each input gets the gradients of the windows whose maximum it is. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import apartSource from '../../../shaders/max-pool-2d/backward-apart.wgsl'
import source from '../../../shaders/max-pool-2d/backward.wgsl'
import { defineKernel, read, readFloats, writeFloats } from '../kernel.js'
import {
  dispatchPool,
  type PoolShape,
  poolShapeUniforms,
  type PoolWindow,
  poolWindowUniforms,
  poolWindowValues,
  windowsPerInput,
} from '../pool-2d.js'

const bindings = {
  outputGradient: readFloats('vectors'),
  indices: read('Index'),
  output: readFloats('vectors'),
  inputGradient: writeFloats('vectors'),
}

const kernel = defineKernel({
  name: 'max-pool-2d/backward',
  source,
  bindings,
  uniforms: { ...poolShapeUniforms, ...poolWindowUniforms, dilationHeight: 'u32', dilationWidth: 'u32' },
})

const apartKernel = defineKernel({
  name: 'max-pool-2d/backward-apart',
  source: apartSource,
  bindings,
  uniforms: {
    ...poolShapeUniforms,
    cellsInColumn: 'u32',
    cellsInRow: 'u32',
    strideHeight: 'u32',
    strideWidth: 'u32',
    paddingHeight: 'u32',
    paddingWidth: 'u32',
  },
})

export interface MaxPool2dBackwardBuffers {
  readonly outputGradient: DeviceBuffer
  /** Those that the forward kernel wrote, u32. */
  readonly indices: DeviceBuffer
  /** The output of the forward kernel, where that took `relu`. */
  readonly output: DeviceBuffer | undefined
  readonly inputGradient: DeviceBuffer
}

export function maxPool2dBackward(
  device: Device,
  { outputGradient, indices, output, inputGradient }: MaxPool2dBackwardBuffers,
  shape: PoolShape,
  window: PoolWindow,
): void {
  const common = {
    template: { relu: output !== undefined },
    buffers: {
      outputGradient: { buffer: outputGradient, side: 'output' },
      indices: { buffer: indices, side: 'output' },
      output: { buffer: output ?? outputGradient, side: 'output' }, // without relu, the kernel does not look at it
      inputGradient: { buffer: inputGradient, side: 'input' },
    },
  } as const
  const { kernel: kernelSize, stride, padding, dilation } = window
  if (kernelSize.every((length, axis) => (length - 1) * dilation[axis]! < stride[axis]!)) {
    const cells = [
      Math.ceil((shape.inputHeight + padding[0]) / stride[0]),
      Math.ceil((shape.inputWidth + padding[1]) / stride[1]),
    ] as const
    dispatchPool(device, apartKernel, shape, {
      computes: cells,
      ...common,
      uniforms: {
        cellsInColumn: cells[0],
        cellsInRow: cells[1],
        strideHeight: stride[0],
        strideWidth: stride[1],
        paddingHeight: padding[0],
        paddingWidth: padding[1],
      },
      workPerElement: stride[0] * stride[1],
    })
    return
  }
  dispatchPool(device, kernel, shape, {
    computes: 'input',
    ...common,
    uniforms: { ...poolWindowValues(window), dilationHeight: dilation[0], dilationWidth: dilation[1] },
    workPerElement: 2 * windowsPerInput(shape, window),
  })
}
