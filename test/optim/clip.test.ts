import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { OptionError } from '../../src/device/errors.js'
import { clipGradNorm, clipGradValue } from '../../src/optim/index.js'
import { expectClose } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { loadGolden } from '../support/golden.js'

const holder = useEngine()

// The norm is the root of a sum of up to 1,200 squares by a tree: about 12 roundings of 6e-8, halved by the root.
const tolerance = 5e-7

function withGradient(engine: Engine, values: readonly number[] | Float32Array, shape?: readonly number[]) {
  const parameter = engine.zeros(shape ?? [values.length])
  parameter.requiresGrad = true
  parameter.grad = engine.tensor(values, shape)
  return parameter
}

describe('clipGradNorm', () => {
  test.each(loadGolden('clipGradNorm').cases.map((golden) => [golden.name, golden] as const))(
    'equals PyTorch: %s',
    async (_name, golden) => {
      const parameters = golden.inputs.map((name) => {
        const { data, shape } = golden.tensor(name)
        return withGradient(holder.engine, data as Float32Array, shape)
      })
      const norm = clipGradNorm(parameters, golden.attributes.maxNorm as number)
      expect(norm.shape).toEqual([])
      expectClose([await norm.item()], golden.tensor('totalNorm').data, tolerance, 'norm')
      for (const [i, parameter] of parameters.entries()) {
        const expected = golden.tensor(`clipped.${i}`).data
        expectClose(await parameter.grad!.toArray(), expected, tolerance, `gradient ${i}`)
      }
    },
  )

  test('parameters without gradients are left out', async () => {
    const { engine } = holder
    const parameter = withGradient(engine, [3, 4])
    const norm = clipGradNorm([engine.zeros([3]), parameter], Infinity)
    expect([await norm.item(), ...(await parameter.grad!.toArray())]).toEqual([5, 3, 4])
    expect(await clipGradNorm([engine.zeros([3])], 1).item()).toBe(0)
  })

  test('what is not finite is not hidden', async () => {
    const { engine } = holder
    for (const broken of [NaN, Infinity]) {
      const [sound, sick] = [withGradient(engine, [3, 4]), withGradient(engine, [broken])]
      const norm = clipGradNorm([sound, sick], 1)
      expect(await norm.item()).toBe(broken)
      expect((await sick.grad!.toArray())[0]).toBeNaN()
    }
  })

  test('gives its memory back', async () => {
    const { engine } = holder
    const parameter = withGradient(engine, new Float32Array(5000).fill(1))
    engine.scope(() => {
      clipGradNorm([parameter], 1)
    })
    const before = engine.memory().inUse
    engine.scope(() => {
      clipGradNorm([parameter], 1)
    })
    expect(engine.memory().inUse).toBe(before)
    await engine.idle()
  })

  test('refuses wrong options', () => {
    expect(() => clipGradNorm([], 1)).toThrow(/at least one tensor/)
    expect(() => clipGradNorm([holder.engine.zeros([1])], -1)).toThrow(OptionError)
    expect(() => clipGradNorm([holder.engine.zeros([1])], NaN)).toThrow(OptionError)
  })
})

describe('clipGradValue', () => {
  test('limits every element', async () => {
    const { engine } = holder
    const parameters = [withGradient(engine, [-3, -1, 0.5, 2, NaN]), withGradient(engine, [7]), engine.zeros([2])]
    clipGradValue(parameters, 1)
    expect([...(await parameters[0]!.grad!.toArray())]).toEqual([-1, -1, 0.5, 1, NaN])
    expect([...(await parameters[1]!.grad!.toArray())]).toEqual([1])
  })

  test('refuses wrong options', () => {
    expect(() => {
      clipGradValue([holder.engine.zeros([1])], -1)
    }).toThrow(OptionError)
  })
})
