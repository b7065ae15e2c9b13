import { describe, expect, test } from 'vitest'
import { RecordingDevice } from '../../../bench/isa/recording-device.js'
import { uniformValues, workgroupInvocations } from '../../../bench/isa/wgsl.js'
import conv2d from '../../../bench/conv2d.js'
import matmul from '../../../bench/matmul.js'
import { Engine } from '../../../src/autograd/engine.js'
import { openDevice } from '../../../src/device/node.js'

describe('a recording device', () => {
  test.each([
    ['mm512', 512 ** 3, { rows: 512, columns: 512, depth: 512 }],
    [
      'c1_1024_2048_s2_b8',
      8 * 7 * 7 * 2048 * 1024,
      { rows: 8 * 7 * 7, columns: 2048, depth: 1024, segmentLength: 1024 },
    ],
  ])('knows the kernels of %s on a GPU', async (name, multiplyAdds, uniforms) => {
    const host = await openDevice()
    const device = new RecordingDevice({ ...host, adapter: { ...host.adapter, kind: 'gpu' } })
    const engine = new Engine(device)
    const benchmark = [matmul, conv2d].flatMap(({ cases }) => cases).find((one) => one.name === name)!
    const prepared = await benchmark.prepare(engine)
    device.takeRecorded()
    engine.scope(prepared.run)
    const [product] = device.takeRecorded()
    expect(device.takeRecorded()).toEqual([])
    expect(product!.work / 2).toBe(multiplyAdds)
    const code = product!.program.code()
    expect(uniformValues(code, product!.uniforms?.data)).toMatchObject(uniforms)
    expect(workgroupInvocations(code)).toBeGreaterThanOrEqual(64)
    expect(workgroupInvocations(code)).toBeLessThanOrEqual(device.limits.workgroupInvocations)
    engine.destroy()
  })
})

describe('the size of a workgroup', () => {
  test.each([
    ['@compute @workgroup_size(64)', 64],
    ['@compute @workgroup_size(8u, 4, 2)', 64],
    ['@compute @workgroup_size(16 * 2, 4)', 128],
    ['const wide = 16u; const all: u32 = wide * 4u; @workgroup_size(all, 2)', 128],
  ])('%s', (code, invocations) => {
    expect(workgroupInvocations(code)).toBe(invocations)
  })

  test('that is something else is refused', () => {
    expect(() => workgroupInvocations('@compute fn main() {}')).toThrow('@workgroup_size')
    expect(() => workgroupInvocations('override wide: u32; @workgroup_size(wide)')).toThrow('"wide"')
    expect(() => workgroupInvocations('@workgroup_size(4 + 4)')).toThrow('"4 + 4"')
  })
})

test('uniforms have the types of their declarations', () => {
  const view = new DataView(new ArrayBuffer(12))
  view.setUint32(0, 0xffffffff, true)
  view.setInt32(4, -1, true)
  view.setFloat32(8, 0.5, true)
  const code = 'struct Uniforms {\n  rows: u32,\n  shift: i32,\n  scale: f32,\n}\n'
  expect(uniformValues(code, view.buffer)).toEqual({ rows: 0xffffffff, shift: -1, scale: 0.5 })
  expect(uniformValues('', view.buffer)).toEqual({})
  expect(uniformValues(code, undefined)).toEqual({})
})
