/** Rearranges dimensions: output = input.permute(dims), contiguous, for elements of four bytes, or f16, and any sizes. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { KernelError } from '../../device/errors.js'
import source from '../../../shaders/permute/permute.wgsl'
import { elementWindows } from '../element-windows.js'
import { bytesPerFloat, elementGrid, windowOf } from '../grid.js'
import { defineKernel, read, readFloats, write, writeFloats } from '../kernel.js'
import { permutedDimensions, type StridedDimension } from './dimensions.js'
import { transposeMatrices, transposeSide } from './matrices.js'

const description = {
  name: 'permute/permute',
  source,
  uniforms: {
    inputStart: 'u32',
    inputCount: 'u32',
    outputStart: 'u32',
    outputCount: 'u32',
    length1: 'u32',
    length2: 'u32',
    length3: 'u32',
    length4: 'u32',
    length5: 'u32',
    stride0: 'u32',
    stride1: 'u32',
    stride2: 'u32',
    stride3: 'u32',
    stride4: 'u32',
    stride5: 'u32',
  },
} as const
const ofWords = defineKernel({ ...description, bindings: { input: read('u32'), output: write('u32') } })
const ofHalves = defineKernel({ ...description, bindings: { input: readFloats(), output: writeFloats() } })

/** The kernel takes permutations that are left with this many dimensions after merging. */
export const maxPermuteRank = 6

export interface PermuteArguments {
  readonly input: DeviceBuffer
  readonly output: DeviceBuffer
  /** The shape of the input. */
  readonly shape: readonly number[]
  /** The input dimension that each output dimension comes from. */
  readonly dims: readonly number[]
}

/** Moves every element of `input` to its place in `output`. */
export function permute(device: Device, { input, output, shape, dims }: PermuteArguments): void {
  const dimensions = permutedDimensions(shape, dims)
  const size = dimensions.reduce((product, { length }) => product * length, 1)
  const matrices = asTransposedMatrices(dimensions)
  if (
    matrices &&
    Math.min(matrices.rows, matrices.columns) >= transposeSide(device) && // below that most of a tile would be idle
    transposeMatrices(device, { input, output, ...matrices })
  ) {
    return
  }
  if (dimensions.length > maxPermuteRank) {
    throw new KernelError(
      description.name,
      `${dimensions.length} dimensions that change places, at most ${maxPermuteRank}`,
    )
  }
  const kernel = input.half ? ofHalves : ofWords
  const bytes = bytesPerFloat(input)
  // padded at the end: the kernel does not look at dimensions past the rank
  const length = (dim: number) => dimensions[dim]?.length ?? 1
  const stride = (dim: number) => dimensions[dim]?.stride ?? 1
  for (const window of elementWindows(device, kernel.name, { input: size, output: size }, bytes)) {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, rank: dimensions.length },
      bindings: { input: windowOf(input, window.input, bytes), output: windowOf(output, window.output, bytes) },
      uniforms: {
        inputStart: window.input.start,
        inputCount: window.input.count,
        outputStart: window.output.start,
        outputCount: window.output.count,
        length1: length(1),
        length2: length(2),
        length3: length(3),
        length4: length(4),
        length5: length(5),
        stride0: stride(0),
        stride1: stride(1),
        stride2: stride(2),
        stride3: stride(3),
        stride4: stride(4),
        stride5: stride(5),
      },
      workgroups: elementGrid(device, window.output.count),
      work: window.output.count,
    })
  }
}

/** A permutation that swaps the last two dimensions and keeps the batch before them, as matrices of the input. */
function asTransposedMatrices(
  dimensions: readonly StridedDimension[],
): { batch: number; rows: number; columns: number } | undefined {
  const [across, down] = dimensions.slice(-2)
  if (!across || !down || across.stride !== 1 || down.stride !== across.length) return undefined
  const rows = down.length
  const columns = across.length
  if (dimensions.length === 2) return { batch: 1, rows, columns }
  const [outer] = dimensions
  if (dimensions.length !== 3 || outer!.stride !== rows * columns) return undefined
  return { batch: outer!.length, rows, columns }
}
