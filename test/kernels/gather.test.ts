import { describe, expect, test } from 'vitest'
import { gather } from '../../src/autograd/ops/gather.js'
import { DataError, ShapeError } from '../../src/device/errors.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { checkGradients, goldenSuite } from '../support/op-suite.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

goldenSuite(holder, 'gather', {
  run: ({ input, index }) => gather(input!, index!),
  // rows are copied; gradients sum up to 65 rows one after the other
  tolerance: (_golden, tensor) => (tensor === 'output' ? 0 : 1e-6),
})

describe('gather', () => {
  test('gradients equal finite differences', async () => {
    const index = holder.engine.tensor(Int32Array.of(2, 0, 2))
    await checkGradients(holder.engine, ({ input }) => gather(input!, index), { input: [4, 3, 2] })
  })

  test('integers and the bits of NaN pass unchanged', async () => {
    const { engine } = holder
    const index = engine.tensor(Int32Array.of(1, 0))
    const labels = gather(engine.tensor(Int32Array.of(7, -8)), index)
    expect(await labels.toArray()).toEqual(Int32Array.of(-8, 7))
    expect([...(await gather(engine.tensor([NaN, 1], [2, 1]), index).toArray())]).toEqual([1, NaN])
  })

  test('operands larger than a binding', async () => {
    const [rows, entries, inner] = [1200, 1100, 16]
    const values = testValues(rows * inner)
    const index = Int32Array.from({ length: entries }, (_, i) => (i * i * 31) % rows)
    const [whole, windows] = await Promise.all(
      [holder, tiny].map(async ({ engine }) => {
        const input = engine.tensor(values, [rows, inner], { requiresGrad: true })
        const output = gather(input, engine.tensor(index))
        const picked = await output.toArray()
        output.backward({ gradient: engine.tensor(testValues(entries * inner, 4), [entries, inner]) })
        return [picked, await input.grad!.toArray()]
      }),
    )
    expect(windows).toEqual(whole)
    expect([...whole![0]!.slice(-inner)]).toEqual([...values.slice(index.at(-1)! * inner).slice(0, inner)])
  })

  test.each([3, -1])('the index %i of three rows is an error at the next read-back', async (wrong) => {
    const { engine } = holder
    const output = gather(engine.ones([3, 2]), engine.tensor(Int32Array.of(0, 1, wrong, 2)))
    const error = await output.toArray().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DataError)
    expect((error as Error).message).toBe('gather: expected an index from 0 to 2, found index at position 2')
    expect([...(await engine.ones([1]).toArray())]).toEqual([1])
  })

  test('refuses wrong shapes and types', () => {
    const { engine } = holder
    const index = engine.tensor(Int32Array.of(0))
    expect(() => gather(engine.full([], 1), index)).toThrow(ShapeError)
    expect(() => gather(engine.tensor(new Uint8Array(4)), index)).toThrow(ShapeError)
    expect(() => gather(engine.ones([2]), engine.ones([1]))).toThrow('gather: expected index of type i32')
    expect(() => gather(engine.ones([2]), engine.tensor(new Int32Array(2), [1, 2]))).toThrow('an index [K]')
  })
})
