/** Copies one part of a concatenation to its place in the output. Elements of four bytes, any sizes. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/concat/concat.wgsl'
import { elementWindows } from '../element-windows.js'
import { elementGrid, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'concat/concat',
  source,
  bindings: { input: read('u32'), output: write('u32') },
  uniforms: {
    inputStart: 'u32',
    inputCount: 'u32',
    outputStart: 'u32',
    outputCount: 'u32',
    inputColumns: 'u32',
    outputColumns: 'u32',
    firstColumn: 'u32',
  },
})

export interface ConcatArguments {
  readonly input: DeviceBuffer
  readonly output: DeviceBuffer
  /** The product of the dimensions before the concatenated one. */
  readonly rows: number
  /** The product of the concatenated dimension and those after it, in this part and in the whole. */
  readonly inputColumns: number
  readonly outputColumns: number
  /** Where this part begins in a row of the output. */
  readonly firstColumn: number
}

/** output[row][firstColumn + column] = input[row][column] for every element of one part. */
export function concatPart(device: Device, part: ConcatArguments): void {
  const { input, output, rows, inputColumns, outputColumns, firstColumn } = part
  if (rows === 1) {
    device.copy(input, 0, output, firstColumn * 4, inputColumns * 4)
    return
  }
  const sizes = { input: rows * inputColumns, output: rows * outputColumns }
  for (const window of elementWindows(device, kernel.name, sizes)) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize },
      bindings: { input: windowOf(input, window.input, 4), output: windowOf(output, window.output, 4) },
      uniforms: {
        inputStart: window.input.start,
        inputCount: window.input.count,
        outputStart: window.output.start,
        outputCount: window.output.count,
        inputColumns,
        outputColumns,
        firstColumn,
      },
      workgroups: elementGrid(device, window.input.count),
      work: window.input.count,
    })
  }
}
