/** The cross-entropy of each row of logits [rows, classes] against its target. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/cross-entropy/forward.wgsl'
import { rowWindows, windowOf } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
import { lineGrid, lineTile } from '../lines.js'

const kernel = defineKernel({
  name: 'cross-entropy/forward',
  source,
  bindings: {
    input: read(),
    targets: read('i32'),
    losses: write(),
    counted: write(),
    statistics: write('vec2<f32>'),
    faults: write('atomic<u32>'),
  },
  uniforms: {
    rows: 'u32',
    classes: 'u32',
    firstRow: 'u32',
    ignoreIndex: 'i32',
    labelSmoothing: 'f32',
    faultSlot: 'u32',
  },
})

export interface CrossEntropyOptions {
  readonly rows: number
  readonly classes: number
  /** The part of the target distribution that is spread over all classes. */
  readonly labelSmoothing: number
  /** Rows with this target have no loss and no gradient. */
  readonly ignoreIndex: number
}

export interface CrossEntropyForwardBuffers {
  /** f32 [rows, classes]. */
  readonly input: DeviceBuffer
  /** i32 [rows]: class numbers. */
  readonly targets: DeviceBuffer
  /** f32 [rows]. */
  readonly losses: DeviceBuffer
  /** f32 [rows]: 0 in ignored rows, else 1. */
  readonly counted: DeviceBuffer
  /** f32 [rows, 2]: the maximum of the row, and the logarithm of the sum of exp(input - maximum). */
  readonly statistics: DeviceBuffer
}

/** A target that is neither a class nor `ignoreIndex` has loss 0, and is a `DataError` at the next read-back. */
export function crossEntropyForward(
  device: Device,
  buffers: CrossEntropyForwardBuffers,
  { rows, classes, labelSmoothing, ignoreIndex }: CrossEntropyOptions,
): void {
  const tile = lineTile(device, classes)
  const faults = device.fault({
    source: 'crossEntropy',
    expected: classes === 1 ? 'the label 0' : `a label from 0 to ${classes - 1}`,
    describe: (position) => `label at position ${position}`,
  })
  const rowBytes = classes * 4
  for (const window of rowWindows(device, kernel.name, rows, [rowBytes, 4, 8])) {
    kernel.dispatch(device, {
      template: { ...tile },
      bindings: {
        input: windowOf(buffers.input, window, rowBytes),
        targets: windowOf(buffers.targets, window, 4),
        losses: windowOf(buffers.losses, window, 4),
        counted: windowOf(buffers.counted, window, 4),
        statistics: windowOf(buffers.statistics, window, 8),
        faults: faults.buffer,
      },
      uniforms: {
        rows: window.count,
        classes,
        firstRow: window.start,
        ignoreIndex,
        labelSmoothing,
        faultSlot: faults.slot,
      },
      workgroups: lineGrid(device, window.count, tile),
      work: window.count * classes * 5,
    })
  }
}
