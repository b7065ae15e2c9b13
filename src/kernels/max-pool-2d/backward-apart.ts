/** Each input gets the gradient of its window, if it is the maximum there, for windows that do not overlap. */
import type { Device } from '../../device/device.js'
import source from '../../../shaders/max-pool-2d/backward-apart.wgsl'
import { defineKernel } from '../kernel.js'
import { dispatchPool, type PoolShape, poolShapeUniforms, type PoolWindow } from '../pool-2d.js'
import { backwardBindings, backwardOperands, type MaxPool2dBackwardBuffers } from './backward-operands.js'

const kernel = defineKernel({
  name: 'max-pool-2d/backward-apart',
  source,
  bindings: backwardBindings,
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

/** Whether windows do not overlap. */
export function areApart({ kernel, stride, dilation }: PoolWindow): boolean {
  return kernel.every((length, axis) => (length - 1) * dilation[axis]! < stride[axis]!)
}

/** `maxPool2dBackward` for a window of which `areApart` is true. */
export function maxPool2dBackwardApart(
  device: Device,
  buffers: MaxPool2dBackwardBuffers,
  shape: PoolShape,
  { stride, padding }: PoolWindow,
): void {
  const cells = [
    Math.ceil((shape.inputHeight + padding[0]) / stride[0]),
    Math.ceil((shape.inputWidth + padding[1]) / stride[1]),
  ] as const
  dispatchPool(device, kernel, shape, {
    computes: cells,
    ...backwardOperands(buffers),
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
}
