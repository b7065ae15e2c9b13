/** Adds the parts of an inner product whose depth was split, and then what its epilogue adds. */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import source from '../../../shaders/matmul/combine.wgsl'
import { elementGrid } from '../grid.js'
import { defineKernel, read, writeFloats } from '../kernel.js'
import { offsetRange } from '../offset-windows.js'
import { bindEpilogue, completeBindings, epilogueBindings, epilogueUniforms } from './epilogue.js'
import type { InnerProductOutput } from './inner-product.js'

const kernel = defineKernel({
  name: 'matmul/combine',
  source,
  bindings: { partials: read('Value'), ...epilogueBindings, output: writeFloats('vectors') },
  uniforms: { size: 'u32', splits: 'u32', outputOffset: 'u32', biasLength: 'u32', ...epilogueUniforms },
})

/** `partials` is f32 [splits, output.extent] and fits one binding. */
export function combine(
  device: Device,
  { partials, splits, output }: { partials: DeviceBuffer; splits: number; output: InnerProductOutput },
): void {
  const results = offsetRange(device, output.buffer, output.start, output.extent)
  const epilogue = bindEpilogue(device, output.epilogue ?? {}, output)
  const lengths = [output.extent, output.columns.count, results.offset, epilogue.uniforms.biasOffset]
  const perValue = lengths.every((length) => length % 4 === 0) ? 4 : 1
  kernel.dispatch(device, {
    template: {
      workgroupSize: device.workgroupSize,
      vectors: perValue === 4,
      ...epilogue.template,
      accumulate: output.accumulate,
    },
    bindings: { partials, ...completeBindings(epilogue.bindings, partials), output: results.range },
    uniforms: {
      size: output.extent / perValue,
      splits,
      outputOffset: results.offset / perValue,
      biasLength: output.columns.count / perValue,
      ...epilogue.uniforms,
      biasOffset: epilogue.uniforms.biasOffset / perValue,
    },
    workgroups: elementGrid(device, output.extent / perValue),
    work: output.extent * splits,
  })
}
