/** The transform of the kernel of Winograd's algorithm. */
import type { DeviceBuffer } from '../../../device/buffer.js'
import type { Device } from '../../../device/device.js'
import source from '../../../../shaders/conv2d/winograd/kernel.wgsl'
import { elementGrid } from '../../grid.js'
import { defineKernel, read, write } from '../../kernel.js'
import { channelsPerValue, valueTemplate, type WinogradTile } from './tiles.js'

const kernel = defineKernel({
  name: 'conv2d/winograd/kernel',
  source,
  bindings: { weight: read('Value'), output: write('Value') },
  uniforms: { size: 'u32' },
})

/**
 * @param weight [3, 3, Cin, Cout]
 * @param output [points, Cin, Cout]
 * @param size Cin * Cout
 * @param options `flipped` takes the taps in reverse, as the gradient of the input needs them
 */
export function winogradKernel(
  device: Device,
  weight: DeviceBuffer,
  output: DeviceBuffer,
  size: number,
  options: { readonly side: WinogradTile; readonly flipped: boolean },
): void {
  const perValue = channelsPerValue(device, size)
  kernel.dispatch(device, {
    template: {
      workgroupSize: device.workgroupSize,
      ...valueTemplate(perValue, options),
      flipped: options.flipped,
    },
    bindings: { weight, output },
    uniforms: { size: size / perValue },
    workgroups: elementGrid(device, size / perValue),
    work: size * (options.side + 2) ** 2 * 3,
  })
}
