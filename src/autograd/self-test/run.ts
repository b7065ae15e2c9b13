/**
 * Runs checks: the forward pass is compared with the reference, element by element; the gradient with respect to each input is
 * compared along a random direction with the central difference of the reference, which in double precision is
 * good to about ten digits.
 */
import { DeviceLostError } from '../../device/errors.js'
import type { Engine } from '../engine.js'
import { formatShape, sameShape, sizeOf } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { KernelCheck } from './check.js'
import { dot, uniformValues, Values } from './values.js'

export interface CheckResult {
  readonly kernel: string
  readonly variant: string
  readonly ok: boolean
  readonly tolerance: number
  /** The largest error of an output element, relative to the largest expected one. */
  readonly outputError: number
  /** The largest error among the gradients, relative to the gradient's size; 0 without gradients. */
  readonly gradientError: number
  /** What went wrong, in words. */
  readonly problem?: string
}

type ValuesByName = Readonly<Record<string, Values>>

/** The step of the central differences. */
const epsilon = 1e-5

/** Runs one check; a kernel that throws is a failed check, but a lost device throws `DeviceLostError`. */
export async function runCheck(engine: Engine, check: KernelCheck): Promise<CheckResult> {
  const { kernel, variant, tolerance } = check
  const failed = { kernel, variant, tolerance, ok: false, outputError: Infinity, gradientError: 0 }
  try {
    const inputs = inputValues(check)
    const tensors = inputTensors(engine, check, inputs)
    const output = check.run(tensors, engine)
    const produced = new Values(output.shape, Float64Array.from(await output.toArray()))
    const expected = check.reference(inputs, produced)
    if (!sameShape(output.shape, expected.shape)) {
      const problem = `the output is ${formatShape(output.shape)} instead of ${formatShape(expected.shape)}`
      return { ...failed, problem }
    }
    const outputError = relativeError(produced.data, expected.data)
    const gradients = await gradientErrors(engine, check, { inputs, tensors, output, produced })
    const problems = [['output', outputError] as const, ...gradients]
      .filter(([, error]) => !(error <= tolerance))
      .map(([name, error]) => `${name}: relative error ${error.toExponential(1)}`)
    return {
      kernel,
      variant,
      tolerance,
      ok: problems.length === 0,
      outputError,
      gradientError: Math.max(0, ...gradients.map(([, error]) => error)),
      problem: problems.length === 0 ? undefined : problems.join('; '),
    }
  } catch (error) {
    if (error instanceof DeviceLostError) throw error
    return { ...failed, problem: error instanceof Error ? error.message : String(error) }
  }
}

function inputValues({ inputs }: KernelCheck): ValuesByName {
  const entries = Object.entries(inputs).map(([name, { shape, values }], i) => {
    const numbers = values ? Float64Array.from(Float32Array.from(values)) : uniformValues(sizeOf(shape), 11 + i)
    return [name, new Values(shape, numbers)] as const
  })
  return Object.fromEntries(entries)
}

function inputTensors(engine: Engine, { inputs }: KernelCheck, values: ValuesByName): Record<string, Tensor> {
  const entries = Object.entries(inputs).map(([name, { shape, dtype = 'f32', gradient }]) => {
    const tensor = engine.tensor(Array.from(values[name]!.data), shape, { dtype, requiresGrad: gradient })
    return [name, tensor] as const
  })
  return Object.fromEntries(entries)
}

async function gradientErrors(
  engine: Engine,
  check: KernelCheck,
  run: { inputs: ValuesByName; tensors: Readonly<Record<string, Tensor>>; output: Tensor; produced: Values },
): Promise<(readonly [string, number])[]> {
  const names = Object.keys(check.inputs).filter((name) => check.inputs[name]!.gradient)
  if (names.length === 0) return []
  const { inputs, tensors, output, produced } = run
  const upstream = uniformValues(output.size, 5)
  output.backward({ gradient: engine.tensor(Float32Array.from(upstream), output.shape) })
  const projected = (moved: ValuesByName) => dot(check.reference(moved, produced).data, upstream)
  const errors: (readonly [string, number])[] = []
  for (const [i, name] of names.entries()) {
    const direction = uniformValues(inputs[name]!.data.length, 31 + i)
    const plus = projected({ ...inputs, [name]: step(inputs[name]!, direction, epsilon) })
    const minus = projected({ ...inputs, [name]: step(inputs[name]!, direction, -epsilon) })
    const expected = (plus - minus) / (2 * epsilon)
    const gradient = tensors[name]!.grad
    const values = gradient ? Float64Array.from(await gradient.toArray()) : new Float64Array(direction.length)
    // how large the product with a random direction typically is
    const size = Math.sqrt((dot(values, values) * dot(direction, direction)) / values.length)
    const error = Math.abs(dot(values, direction) - expected) / Math.max(size, Math.abs(expected), 1e-6)
    errors.push([`gradient of ${name}`, Number.isNaN(error) ? Infinity : error])
  }
  return errors
}

function step({ shape, data }: Values, direction: Float64Array, length: number): Values {
  return new Values(
    shape,
    data.map((value, i) => value + length * direction[i]!),
  )
}

function relativeError(actual: Float64Array, expected: Float64Array): number {
  let difference = 0
  let magnitude = 0
  for (let i = 0; i < expected.length; i++) {
    const delta = Math.abs(actual[i]! - expected[i]!)
    if (Number.isNaN(delta)) return Infinity
    difference = Math.max(difference, delta)
    magnitude = Math.max(magnitude, Math.abs(expected[i]!))
  }
  return difference === 0 ? 0 : difference / magnitude
}
