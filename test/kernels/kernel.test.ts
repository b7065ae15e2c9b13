/** Kernel definitions: declarations, uniforms and named buffers become a dispatch; what does not fit is an error. */
import { describe, expect, test } from 'vitest'
import { KernelError } from '../../src/device/errors.js'
import { defineKernel, read, type UniformType, type UniformValue, write } from '../../src/kernels/kernel.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

/** Writes its three uniforms, and what the template adds, as bits. */
const uniforms = defineKernel({
  name: 'test/uniforms',
  source: `
    diagnostic(off, derivative_uniformity);
    @compute @workgroup_size(1)
    fn main() {
      output[0] = uniforms.count;
      output[1] = bitcast<u32>(uniforms.offset);
      output[2] = bitcast<u32>(uniforms.factor);
      output[3] = u32(input[0]) + \${extra}u;
    }`,
  bindings: { input: read('${type}'), output: write('u32') },
  uniforms: { count: 'u32', offset: 'i32', factor: 'f32' },
})

describe('dispatch', () => {
  const dispatch = async (values: Partial<Record<'count' | 'offset' | 'factor', UniformValue>>, extra = 1) => {
    const { engine } = holder
    const [input, output] = [engine.tensor([40]), engine.empty([4], 'u32')]
    uniforms.dispatch(engine.device, {
      template: { type: 'f32', extra },
      bindings: { input: input.buffer, output: output.buffer },
      uniforms: { count: 1, offset: 1, factor: 1, ...values },
      workgroups: [1, 1, 1],
    })
    return new DataView((await output.toArray()).buffer)
  }

  test('packs uniforms by their types, up to the ends of their ranges', async () => {
    for (const [count, offset, factor] of [
      [0, 0, 0],
      [4294967295, -2147483648, -1.5],
      [1, 2147483647, 2 ** 100],
    ] as const) {
      const view = await dispatch({ count, offset, factor })
      expect([view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true)]).toEqual([
        count,
        offset,
        factor,
      ])
    }
  })

  test('takes functions for values that differ from step to step', async () => {
    let step = 1
    const view = await dispatch({ count: () => step++, offset: () => -step })
    expect([view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true)]).toEqual([1, -2, 1])
    await expect(dispatch({ count: () => 0.5 })).rejects.toThrow(/the uniform "count" is 0.5/)
  })

  test.each([
    ['count', -1],
    ['count', 1.5],
    ['count', 4294967296],
    ['count', Infinity],
    ['offset', 0.5],
    ['offset', 2147483648],
    ['offset', NaN],
    ['factor', NaN],
    ['factor', undefined],
    ['count', undefined],
  ] as const)('a uniform "%s" of %s is an error', async (name, value) => {
    await expect(dispatch({ [name]: value })).rejects.toThrow(KernelError)
    await expect(dispatch({ [name]: value })).rejects.toThrow(
      `test/uniforms: the uniform "${name}" is ${String(value)}`,
    )
  })

  test('compiles anew where the template differs', async () => {
    expect((await dispatch({}, 1)).getUint32(12, true)).toBe(41)
    expect((await dispatch({}, 2)).getUint32(12, true)).toBe(42)
    await expect(dispatch({}, NaN)).rejects.toThrow(/\$\{extra\} is NaN/)
  })
})

test('a kernel has at most as many uniforms as fit their place', () => {
  const define = (count: number) => () => {
    const uniforms: Record<string, UniformType> = {}
    for (let i = 0; i < count; i++) uniforms[`u${i}`] = 'u32'
    return defineKernel({ name: 'test/many', source: '', bindings: {}, uniforms })
  }
  expect(define(64)).not.toThrow()
  expect(define(65)).toThrow(/test\/many: has more uniforms than fit/)
})
