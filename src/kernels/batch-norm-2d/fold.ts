/** A batch norm with running statistics as the scale and the bias of an epilogue. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/batch-norm-2d/fold.wgsl'
import { elementGrid } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { withPacked } from '../packed.js'

const kernel = defineKernel({
  name: 'batch-norm-2d/fold',
  source,
  bindings: {
    weight: read(),
    bias: read(),
    mean: read(),
    variance: read(),
    convolutionBias: read(),
    folded: write(),
  },
  uniforms: { channels: 'u32', eps: 'f32', shiftStart: 'u32' },
})

export interface FoldedNormalization {
  /** [channels] each. */
  readonly weight: DeviceBuffer
  readonly bias: DeviceBuffer
  readonly mean: DeviceBuffer
  readonly variance: DeviceBuffer
  /** The bias of the convolution in front of it. */
  readonly convolutionBias: DeviceBuffer | undefined
  readonly channels: number
  readonly eps: number
}

/**
 * Runs `body` with the batch norm's `scale` and `shift`: it computes result * scale + shift of a convolution's results without
 * their bias. Both are kept for the next call, until one of the parameters changes.
 */
export function withFoldedNormalization<R>(
  device: Device,
  normalization: FoldedNormalization,
  body: (scale: DeviceBuffer, shift: DeviceBuffer) => R,
): R {
  const { weight, bias, mean, variance, convolutionBias, channels, eps } = normalization
  const bytes = channels * 4
  const shiftStart = Math.ceil(bytes / device.limits.offsetAlignment) * device.limits.offsetAlignment
  const others = [bias, mean, variance, ...(convolutionBias ? [convolutionBias] : [])]
  const pack = (folded: DeviceBuffer) => {
    kernel.dispatch(device, {
      template: { workgroupSize: device.workgroupSize, convolutionBias: convolutionBias !== undefined },
      // without a convolution's bias, the kernel does not look at it
      bindings: { weight, bias, mean, variance, convolutionBias: convolutionBias ?? bias, folded },
      uniforms: { channels, eps, shiftStart: shiftStart / 4 },
      workgroups: elementGrid(device, channels),
    })
  }
  const form = { source: weight, others, name: `folded, eps ${eps}`, byteLength: shiftStart + bytes, keep: true, pack }
  return withPacked(device, form, (folded) => {
    const [scale, shift] = [folded.part(0, bytes), folded.part(shiftStart, bytes)]
    const result = body(scale, shift)
    scale.release()
    shift.release()
    return result
  })
}
