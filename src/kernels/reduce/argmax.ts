/** The first position of the maximum in the middle of [outer, extent, inner], in as many passes as the extent needs. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import wgsl from '../../../shaders/reduce/argmax.wgsl'
import { shiftedRange } from '../grid.js'
import { defineKernel, read, write } from '../kernel.js'
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
  name: 'reduce/argmax',
  source: wgsl,
  bindings: { input: read('${inputElement}'), output: write('${outputElement}') },
  uniforms: {
    outputs: 'u32',
    extent: 'u32',
    inner: 'u32',
    chunks: 'u32',
    chunkLength: 'u32',
    firstPosition: 'u32',
    inputShift: 'u32',
    outputShift: 'u32',
  },
})

/** A candidate between two passes: the value as a key, and its position. */
const candidate = { element: 'vec2<u32>', bytes: 8 }

export interface ReduceArgmaxArguments extends ReduceLayout {
  /** f32 [outer, extent, inner]. */
  readonly input: DeviceBuffer
  /** i32 [outer, inner]: positions from 0 to extent - 1. */
  readonly output: DeviceBuffer
}

/** Of equal values the first counts; NaN counts as larger than every number. */
export function reduceArgmax(device: Device, { input, output, ...layout }: ReduceArgmaxArguments): void {
  pass(device, input, { element: 'u32', bytes: 4 }, output, layout)
}

function pass(
  device: Device,
  input: DeviceBuffer,
  from: { readonly element: string; readonly bytes: number },
  output: DeviceBuffer,
  layout: ReduceLayout,
): void {
  const tile = reduceTile(device, layout)
  const chunkLength = chunkLengthOf(tile)
  const chunks = Math.ceil(layout.extent / chunkLength)
  const partial = chunks > 1 ? device.allocate(layout.outer * chunks * layout.inner * candidate.bytes) : undefined
  const to = partial ? candidate : { element: 'i32', bytes: 4 }
  const operands = { full: from.bytes, reduced: to.bytes, chunkLength }
  for (const window of reduceWindows(device, kernel.name, layout, operands)) {
    const source = shiftedRange(device, input, fullWindow(window, layout), from.bytes)
    const destination = shiftedRange(device, partial ?? output, chunksWindow(window, layout, chunkLength), to.bytes)
    const outputs = window.outer * window.inner
    const windowChunks = Math.ceil(window.extent / chunkLength)
    kernel.dispatch(device, {
      template: {
        ...reduceTemplate(tile),
        inputElement: from.element,
        outputElement: to.element,
        takesValues: from !== candidate,
        givesPositions: to !== candidate,
      },
      bindings: { input: source.range, output: destination.range },
      uniforms: {
        outputs,
        extent: window.extent,
        inner: window.inner,
        chunks: windowChunks,
        chunkLength,
        firstPosition: window.firstPosition,
        inputShift: source.shift,
        outputShift: destination.shift,
      },
      workgroups: reduceGrid(device, tile, outputs, windowChunks),
      work: outputs * window.extent,
    })
  }
  if (!partial) return
  pass(device, partial, candidate, output, { ...layout, extent: chunks })
  partial.release()
}
