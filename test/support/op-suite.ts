/**
 * The tests that every operation gets: `goldenSuite` compares the forward pass and all gradients with PyTorch's values,
 * with every input trainable and with each one alone; `checkGradients` compares gradients with finite differences.
 */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { sizeOf } from '../../src/autograd/shape.js'
import { expectClose, testValues } from './compare.js'
import { loadGolden, type GoldenCase } from './golden.js'

export type TensorsByName = Readonly<Record<string, Tensor>>

export interface GoldenSuiteOptions {
  /** Calls the operation with a case's inputs and attributes. */
  readonly run: (inputs: TensorsByName, attributes: GoldenCase['attributes'], engine: Engine) => Tensor
  /**
   * The allowed error relative to the largest value; say why it is what it is where the suite is declared. A function gets
   * the name of the compared tensor: `output`, or the input whose gradient it is.
   */
  readonly tolerance: number | ((golden: GoldenCase, tensor: string) => number)
  /** The golden file, if it is not named after the operation. */
  readonly file?: string
}

/** Declares the golden tests of one operation. */
export function goldenSuite(holder: { readonly engine: Engine }, operation: string, options: GoldenSuiteOptions): void {
  const { cases } = loadGolden(options.file ?? operation)
  describe(`${operation} equals PyTorch`, () => {
    test.each(cases.map((golden) => [golden.name, golden] as const))('%s', async (_name, golden) => {
      const trainable = golden.gradients
      const subsets = trainable.length > 1 ? [trainable, ...trainable.map((name) => [name])] : [trainable]
      for (const subset of subsets) await runGoldenCase(holder.engine, golden, subset, options)
    })
  })
}

async function runGoldenCase(
  engine: Engine,
  golden: GoldenCase,
  trainable: readonly string[],
  { run, tolerance }: GoldenSuiteOptions,
): Promise<void> {
  const toleranceOf = (tensor: string) => (typeof tolerance === 'number' ? tolerance : tolerance(golden, tensor))
  const inputs = Object.fromEntries(
    golden.inputs.map((name) => {
      const { data, shape } = golden.tensor(name)
      return [name, engine.tensor(data, shape, { requiresGrad: trainable.includes(name) })]
    }),
  )
  const output = run(inputs, golden.attributes, engine)
  const expected = golden.tensor('output')
  expect(output.shape, 'output shape').toEqual(expected.shape)
  expectClose(await output.toArray(), expected.data, toleranceOf('output'), 'output')
  if (trainable.length === 0) return
  const upstream = golden.tensor('gradOutput')
  output.backward({ gradient: engine.tensor(upstream.data, upstream.shape) })
  for (const [name, input] of Object.entries(inputs)) {
    if (!trainable.includes(name)) {
      expect(input.grad, `gradient of frozen ${name}`).toBeUndefined()
      continue
    }
    const gradient = golden.tensor(`gradients.${name}`)
    expect(input.grad!.shape, `shape of the gradient of ${name}`).toEqual(gradient.shape)
    expectClose(
      await input.grad!.toArray(),
      gradient.data,
      toleranceOf(name),
      `gradient of ${name} with ${trainable.join('+')}`,
    )
  }
}

export interface GradientCheckOptions {
  /** The step of the central difference; 1e-2 suits f32 and values of magnitude 1. */
  readonly epsilon?: number
  /** The allowed relative error; central differences in f32 give about 1e-2. */
  readonly tolerance?: number
  /** The values of the inputs; uniform in [-1, 1) by default. */
  readonly values?: Readonly<Record<string, Float32Array<ArrayBuffer>>>
}

/**
 * Compares the gradients of `run` with central differences: the output is projected on a fixed random direction, and each
 * input is moved along a random direction of its own.
 */
export async function checkGradients(
  engine: Engine,
  run: (inputs: TensorsByName) => Tensor,
  shapes: Readonly<Record<string, readonly number[]>>,
  { epsilon = 1e-2, tolerance = 2e-2, values: given = {} }: GradientCheckOptions = {},
): Promise<void> {
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, given[name] ?? testValues(sizeOf(shape), 17 + i)]),
  )
  const build = (moved?: string, direction?: Float32Array, step = 0) =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const base = values[name]!
        const data = name === moved ? base.map((value, i) => value + step * direction![i]!) : base
        return [name, engine.tensor(data, shape, { requiresGrad: true })]
      }),
    )
  const inputs = build()
  const output = run(inputs)
  const projection = testValues(output.size, 99)
  output.backward({ gradient: engine.tensor(projection, output.shape) })
  const project = async (tensors: TensorsByName) => dot(await engine.noGrad(() => run(tensors)).toArray(), projection)
  for (const [i, [name, shape]] of Object.entries(shapes).entries()) {
    const direction = testValues(sizeOf(shape), 7 + i)
    const plus = await project(build(name, direction, epsilon))
    const minus = await project(build(name, direction, -epsilon))
    const numerical = (plus - minus) / (2 * epsilon)
    const gradient = await inputs[name]!.grad!.toArray()
    const analytical = dot(gradient, direction)
    // the sum may cancel, so the error is measured against the size of its terms
    const scale = Math.max(Math.abs(numerical), norm(gradient) * norm(direction) * 0.1, 1e-3)
    expect(
      Math.abs(analytical - numerical) / scale,
      `gradient of ${name}: ${analytical} against ${numerical}`,
    ).toBeLessThanOrEqual(tolerance)
  }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a))
}
