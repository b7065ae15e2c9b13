import { describe, expect, test } from 'vitest'
import { countNonFinite } from '../../src/autograd/ops/non-finite.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

describe('countNonFinite', () => {
  test('finds NaN of any bits and both infinities, and nothing else', async () => {
    const { engine } = holder
    const finite = engine.tensor([0, -0, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45, 1])
    expect(await countNonFinite(finite).item()).toBe(0)
    const bits = Uint32Array.of(0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff, 0x7f800000, 0xff800000, 0x7f7fffff)
    expect(await countNonFinite(engine.tensor(new Float32Array(bits.buffer))).item()).toBe(6)
  })

  test.each([1, 255, 4096, 4097, 50_000])('%i elements, on any device', async (size) => {
    const values = testValues(size)
    let expected = 0
    for (let i = 0; i < size; i += 101) {
      values[i] = [NaN, Infinity, -Infinity][i % 3]!
      expected++
    }
    values[size - 1] = NaN
    if ((size - 1) % 101 !== 0) expected++
    for (const { engine } of [holder, tiny]) {
      expect(await countNonFinite(engine.tensor(values)).item()).toBe(expected)
    }
  })

  test('counts over several tensors', async () => {
    const { engine } = holder
    const tensors = [engine.ones([3]), engine.tensor([NaN, 1]), engine.tensor([Infinity], [])]
    const count = countNonFinite(tensors)
    expect(count).toMatchObject({ shape: [], dtype: 'u32' })
    expect(await count.item()).toBe(2)
  })

  test('refuses integers and nothing', () => {
    expect(() => countNonFinite([])).toThrow(OptionError)
    expect(() => countNonFinite(holder.engine.tensor(new Int32Array(1)))).toThrow(ShapeError)
  })
})
