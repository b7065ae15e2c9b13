/** From the sums of Winograd's algorithm to the gradient of the kernel. */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import source from '../../../../shaders/conv2d/winograd/kernel-gradient.wgsl'
import { elementGrid } from '../../grid.js'
import { defineKernel, read, write } from '../../kernel.js'
import { channelsPerValue, valueTemplate, type WinogradTile } from './tiles.js'

const kernel = defineKernel({
  name: 'conv2d/winograd/kernel-gradient',
  source,
  bindings: { sums: read('Value'), weightGradient: write('Value') },
  uniforms: { size: 'u32' },
})

/**
 * @param sums [points, Cin, Cout]
 * @param weightGradient [3, 3, Cin, Cout]
 * @param size Cin * Cout
 * @param options `accumulate` adds to what is there
 */
export function winogradKernelGradient(
  device: Device,
  sums: DeviceBuffer,
  weightGradient: DeviceBuffer,
  size: number,
  options: { readonly side: WinogradTile; readonly accumulate: boolean },
): void {
  const perValue = channelsPerValue(device, size)
  kernel.dispatch(device, {
    template: {
      workgroupSize: device.workgroupSize,
      ...valueTemplate(perValue, options),
      accumulate: options.accumulate,
    },
    bindings: { sums, weightGradient },
    uniforms: { size: size / perValue },
    workgroups: elementGrid(device, size / perValue),
    work: size * (options.side + 2) ** 2 * 3,
  })
}
