/** Frames a tensor with one value, or cuts it where the padding is negative. Elements of four bytes, any sizes. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { KernelError } from '../../device/errors.js'
import source from '../../../shaders/pad/pad.wgsl'
import { elementWindows } from '../element-windows.js'
import { elementGrid, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'

const kernel = defineKernel({
  name: 'pad/pad',
  source,
  bindings: { input: read('u32'), output: write('u32') },
  uniforms: {
    value: 'u32',
    inputStart: 'u32',
    inputCount: 'u32',
    outputStart: 'u32',
    outputCount: 'u32',
    ...dimensionUniforms(0),
    ...dimensionUniforms(1),
    ...dimensionUniforms(2),
    ...dimensionUniforms(3),
    ...dimensionUniforms(4),
    ...dimensionUniforms(5),
  },
})

/** The kernel takes tensors that are left with this many dimensions after merging. */
export const maxPadRank = 6

export interface PadArguments {
  readonly input: DeviceBuffer
  readonly output: DeviceBuffer
  /** The shape of the input. */
  readonly shape: readonly number[]
  /** Elements before and after the input along each dimension; negative numbers cut elements off. */
  readonly padding: readonly (readonly [number, number])[]
  /** The bits of the value in the frame. */
  readonly valueBits: number
}

export function pad(device: Device, { input, output, shape, padding, valueBits }: PadArguments): void {
  const dimensions = paddedDimensions(shape, padding)
  if (dimensions.length > maxPadRank) {
    throw new KernelError(kernel.name, `${dimensions.length} dimensions after merging, at most ${maxPadRank}`)
  }
  const inputSize = dimensions.reduce((product, { inputLength }) => product * inputLength, 1)
  const outputSize = dimensions.reduce((product, { length }) => product * length, 1)
  for (const window of elementWindows(device, kernel.name, { input: inputSize, output: outputSize })) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, rank: dimensions.length },
      bindings: { input: windowOf(input, window.input, 4), output: windowOf(output, window.output, 4) },
      uniforms: {
        value: valueBits,
        inputStart: window.input.start,
        inputCount: window.input.count,
        outputStart: window.output.start,
        outputCount: window.output.count,
        ...dimensionValues(0, dimensions),
        ...dimensionValues(1, dimensions),
        ...dimensionValues(2, dimensions),
        ...dimensionValues(3, dimensions),
        ...dimensionValues(4, dimensions),
        ...dimensionValues(5, dimensions),
      },
      workgroups: elementGrid(device, window.output.count),
      work: window.output.count,
    })
  }
}

interface PaddedDimension {
  length: number
  inputLength: number
  inputStride: number
  before: number
}

/** The fewest dimensions that describe the padding: a dimension without padding merges with the one outside of it. */
function paddedDimensions(shape: readonly number[], padding: PadArguments['padding']): PaddedDimension[] {
  const merged: PaddedDimension[] = []
  let inputStride = shape.reduce((product, length) => product * length, 1)
  for (const [i, inputLength] of shape.entries()) {
    inputStride /= inputLength
    const [before, after] = padding[i]!
    const outer = merged.at(-1)
    if (outer && before === 0 && after === 0) {
      outer.length *= inputLength
      outer.inputLength *= inputLength
      outer.before *= inputLength
      outer.inputStride = inputStride
    } else {
      merged.push({ length: inputLength + before + after, inputLength, inputStride, before })
    }
  }
  return merged
}

type LengthUniform<N extends number> = `${'length' | 'inputLength' | 'stride'}${N}`

function dimensionUniforms<const N extends number>(dim: N) {
  return {
    [`length${dim}`]: 'u32',
    [`inputLength${dim}`]: 'u32',
    [`stride${dim}`]: 'u32',
    [`before${dim}`]: 'i32',
  } as Record<LengthUniform<N>, 'u32'> & Record<`before${N}`, 'i32'>
}

function dimensionValues<const N extends number>(dim: N, dimensions: readonly PaddedDimension[]) {
  // the kernel does not look at dimensions past the rank, but every uniform needs a value
  const padded = dimensions[dim] ?? { length: 1, inputLength: 1, inputStride: 1, before: 0 }
  const { length, inputLength, inputStride, before } = padded
  return {
    [`length${dim}`]: length,
    [`inputLength${dim}`]: inputLength,
    [`stride${dim}`]: inputStride,
    [`before${dim}`]: before,
  } as Record<LengthUniform<N> | `before${N}`, number>
}
