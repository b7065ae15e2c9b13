/**
 * Tests of f16 run only where the adapter has it: `describe.runIf(hasHalf)`. `compareHalf` runs an operation with f16 activations
 * and with f32 ones of the same values.
 */
import { expect } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { sizeOf } from '../../src/autograd/shape.js'
import type { DType, Tensor } from '../../src/autograd/tensor.js'
import { openDevice } from '../../src/device/node.js'
import { expectClose, testValues } from './compare.js'
import type { TensorsByName } from './op-suite.js'

export const hasHalf = await openDevice().then(({ device }) => {
  const has = device.features.has('shader-f16')
  device.destroy()
  return has
})

/** One rounding to f16, relative to the number. Drivers may cut instead of rounding to the nearest, which is twice as much. */
export const halfRounding = 2 ** -10

export interface HalfComparison {
  /** Shapes of the inputs. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  /** Those of them that are parameters: they stay f32. */
  readonly parameters?: readonly string[]
  /** How many roundings to f16 a result has behind it that its f32 counterpart has not. */
  readonly roundings: number
  readonly run: (inputs: TensorsByName) => Tensor
}

/** Fails unless results and all gradients of both runs agree within the roundings, relative to the largest value. */
export async function compareHalf(engine: Engine, { shapes, parameters = [], roundings, run }: HalfComparison) {
  const isParameter = (name: string) => parameters.includes(name)
  const names = Object.keys(shapes)
  const rounded = new Map<string, Float32Array>()
  for (const [i, name] of names.entries()) {
    const values = testValues(sizeOf(shapes[name]!), i + 1)
    const half = engine.tensor(values, shapes[name], { dtype: 'f16' })
    rounded.set(name, isParameter(name) ? values : ((await half.toArray()) as Float32Array))
  }
  const results = async (dtype: DType) => {
    const inputs = Object.fromEntries(
      names.map((name) => {
        const options = { dtype: isParameter(name) ? ('f32' as const) : dtype, requiresGrad: true }
        return [name, engine.tensor(rounded.get(name)!, shapes[name], options)]
      }),
    )
    const output = run(inputs)
    expect(output.dtype, 'type of the output').toBe(dtype)
    const values = await output.toArray()
    const upstream = await engine.tensor(testValues(output.size, 77), output.shape, { dtype: 'f16' }).toArray()
    output.backward({ gradient: engine.tensor(upstream, output.shape, { dtype }) })
    const gradients = new Map<string, ArrayLike<number>>()
    for (const [name, input] of Object.entries(inputs)) {
      expect(input.grad?.dtype, `type of the gradient of ${name}`).toBe(input.dtype)
      gradients.set(name, await input.grad!.toArray())
    }
    return { values, gradients }
  }
  const [half, single] = [await results('f16'), await results('f32')]
  const tolerance = roundings * halfRounding
  expectClose(half.values, single.values, tolerance, 'output')
  for (const [name, gradient] of single.gradients) {
    expectClose(half.gradients.get(name)!, gradient, tolerance, `gradient of ${name}`)
  }
}
