/** Sums over the middle of [outer, extent, inner], in as many passes as the extent needs. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/reduce/sum.wgsl'
import { defineKernel, readFloats, write } from '../kernel.js'
import { bytesPerFloat, shiftedRange } from '../grid.js'
import {
  chunkLengthOf,
  chunksWindow,
  fullWindow,
  reduceGrid,
  type ReduceLayout,
  reduceTemplate,
  reduceTile,
  reduceWindows,
} from './layout.js'

const kernel = defineKernel({
  name: 'reduce/sum',
  source,
  bindings: { input: readFloats('vectors'), output: write('Value') },
  uniforms: {
    outputs: 'u32',
    extent: 'u32',
    inner: 'u32',
    chunks: 'u32',
    chunkLength: 'u32',
    inputShift: 'u32',
    outputShift: 'u32',
    scale: 'f32',
  },
})

export interface ReduceSumArguments extends ReduceLayout {
  /** f32 or f16 [outer, extent, inner]. */
  readonly input: DeviceBuffer
  /** f32 [outer, inner]. */
  readonly output: DeviceBuffer
  /** What sums are multiplied by: 1 for a sum, 1 / extent for a mean. */
  readonly scale?: number
}

export function reduceSum(device: Device, { input, output, scale = 1, ...elements }: ReduceSumArguments): void {
  const perValue = elements.inner % 4 === 0 ? 4 : 1
  const layout = { ...elements, inner: elements.inner / perValue }
  const [inputBytes, bytes] = [bytesPerFloat(input) * perValue, 4 * perValue]
  const tile = reduceTile(device, layout, perValue)
  const chunkLength = chunkLengthOf(tile)
  const chunks = Math.ceil(layout.extent / chunkLength)
  const partial = chunks > 1 ? device.allocate(layout.outer * chunks * layout.inner * bytes) : undefined
  for (const window of reduceWindows(device, kernel.name, layout, { full: inputBytes, reduced: bytes, chunkLength })) {
    const from = shiftedRange(device, input, fullWindow(window, layout), inputBytes)
    const to = shiftedRange(device, partial ?? output, chunksWindow(window, layout, chunkLength), bytes)
    const outputs = window.outer * window.inner
    const windowChunks = Math.ceil(window.extent / chunkLength)
    kernel.dispatch(device, {
      template: { ...reduceTemplate(tile), vectors: perValue === 4 },
      bindings: { input: from.range, output: to.range },
      uniforms: {
        outputs,
        extent: window.extent,
        inner: window.inner,
        chunks: windowChunks,
        chunkLength,
        inputShift: from.shift,
        outputShift: to.shift,
        scale: partial ? 1 : scale,
      },
      workgroups: reduceGrid(device, tile, outputs, windowChunks),
      work: outputs * window.extent * perValue,
    })
  }
  if (!partial) return
  reduceSum(device, { input: partial, output, scale, ...elements, extent: chunks })
  partial.release()
}
