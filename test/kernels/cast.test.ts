import { describe, expect, test } from 'vitest'
import { cast } from '../../src/autograd/ops/cast.js'
import { OptionError } from '../../src/device/errors.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

describe('cast', () => {
  test.each([1, 3, 4, 5, 1001])('%i bytes', async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37 + 255) % 256)
    const input = holder.engine.tensor(bytes)
    const floats = cast(input, 'f32', { scale: 1 / 255 })
    expect(floats.shape).toEqual([size])
    const scale = Math.fround(1 / 255)
    expect([...(await floats.toArray())]).toEqual(Array.from(bytes, (byte) => Math.fround(byte * scale)))
    expect(await cast(input, 'i32').toArray()).toEqual(Int32Array.from(bytes))
    expect(await cast(input, 'u32').toArray()).toEqual(Uint32Array.from(bytes))
  })

  test('between numbers of four bytes', async () => {
    const { engine } = holder
    const numbers = engine.tensor([0, -0, 1.9, -1.9, 3e9, -3e9, 1e38, 16777217])
    expect([...(await cast(numbers, 'i32').toArray())]).toEqual([
      0, 0, 1, -1, 2147483520, -2147483648, 2147483520, 16777216,
    ])
    expect([...(await cast(numbers, 'u32').toArray())]).toEqual([0, 0, 1, 0, 3e9, 0, 4294967040, 16777216])
    const integers = engine.tensor(Int32Array.of(0, -1, 5, -(2 ** 31)))
    expect([...(await cast(integers, 'f32', { scale: 2 }).toArray())]).toEqual([0, -2, 10, -(2 ** 32)])
    expect([...(await cast(integers, 'u32').toArray())]).toEqual([0, 2 ** 32 - 1, 5, 2 ** 31])
    const naturals = engine.tensor(Uint32Array.of(7, 2 ** 32 - 1))
    expect([...(await cast(naturals, 'f32').toArray())]).toEqual([7, 2 ** 32])
    expect([...(await cast(naturals, 'i32').toArray())]).toEqual([7, -1])
  })

  test('bytes larger than a binding', async () => {
    const bytes = Uint8Array.from({ length: 70_003 }, (_, i) => i % 251)
    expect(await cast(tiny.engine.tensor(bytes), 'f32').toArray()).toEqual(Float32Array.from(bytes))
  })

  test('a cast without effect is the tensor itself, a scaled one has a gradient', async () => {
    const input = holder.engine.tensor([1, 2], [2], { requiresGrad: true })
    expect(cast(input, 'f32')).toBe(input)
    await checkGradients(holder.engine, ({ input }) => cast(input!, 'f32', { scale: 3 }), { input: [2, 3] })
    expect(cast(input, 'i32').requiresGrad).toBe(false)
  })

  test('refuses bytes as a result, and scaled integers', () => {
    const input = holder.engine.ones([2])
    expect(() => cast(input, 'u8' as 'u32')).toThrow(OptionError)
    expect(() => cast(input, 'u8' as 'u32')).toThrow('cast: dtype: expected one of f32, f16, i32, u32, got "u8"')
    expect(() => cast(input, 'i32', { scale: 2 })).toThrow('cast: scale: expected 1 for a cast to i32, got 2')
    expect(() => cast(input, 'f32', { scale: NaN })).toThrow(OptionError)
  })
})
