/** Each input gets the gradients of the windows whose maximum it is. */
import type { Device } from '../../device/device.js'
import source from '../../../shaders/max-pool-2d/backward.wgsl'
import { defineKernel } from '../kernel.js'
import {
  dispatchPool,
  type PoolShape,
  poolShapeUniforms,
  type PoolWindow,
  poolWindowUniforms,
  poolWindowValues,
  windowsPerInput,
} from '../pool-2d.js'
import { areApart, maxPool2dBackwardApart } from './backward-apart.js'
import { backwardBindings, backwardOperands, type MaxPool2dBackwardBuffers } from './backward-operands.js'

const kernel = defineKernel({
  name: 'max-pool-2d/backward',
  source,
  bindings: backwardBindings,
  uniforms: { ...poolShapeUniforms, ...poolWindowUniforms, dilationHeight: 'u32', dilationWidth: 'u32' },
})

export function maxPool2dBackward(
  device: Device,
  buffers: MaxPool2dBackwardBuffers,
  shape: PoolShape,
  window: PoolWindow,
): void {
  if (areApart(window)) {
    maxPool2dBackwardApart(device, buffers, shape, window)
    return
  }
  const [dilationHeight, dilationWidth] = window.dilation
  dispatchPool(device, kernel, shape, {
    computes: 'input',
    ...backwardOperands(buffers),
    uniforms: { ...poolWindowValues(window), dilationHeight, dilationWidth },
    workPerElement: 2 * windowsPerInput(shape, window),
  })
}
