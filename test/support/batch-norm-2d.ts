/** What the tests of batch norm share: running it from named inputs, inputs of no special kind, and how exact it is. */
import { batchNorm2d, type BatchNorm2dOptions } from '../../src/autograd/ops/batch-norm-2d.js'
import type { Engine } from '../../src/autograd/engine.js'
import { sizeOf } from '../../src/autograd/shape.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { testValues } from './compare.js'
import type { GoldenCase } from './golden.js'
import type { TensorsByName } from './op-suite.js'

type Attributes = Pick<BatchNorm2dOptions, 'mode' | 'momentum' | 'eps' | 'relu'>

/** Runs the operation with a case's inputs, among them perhaps a residual. */
export function run(inputs: TensorsByName, attributes: GoldenCase['attributes']): Tensor {
  const { input, weight, bias, runningMean, runningVar, residual } = inputs as Record<string, Tensor>
  return batchNorm2d(input!, {
    weight: weight!,
    bias: bias!,
    runningMean: runningMean!,
    runningVar: runningVar!,
    residual,
    ...(attributes as unknown as Attributes),
  })
}

/**
 * A value passes some ten roundings of 6e-8, a sum of at most 1089 terms a tree of a few more. Two things make more of it:
 * - Mean 100, deviation 0.1: half a unit in the last place of the mean is 4e-5 deviations (see the case's note).
 * - The input's gradient in training is what is left of dy when its mean and its projection on the normalised input are
 *   taken away. With two values per channel nearly nothing is left, so the error is measured against scale * dy.
 */
export function tolerance(golden: GoldenCase, tensor: string): number {
  const base = golden.name.startsWith('mean 100') ? 2e-4 : 2e-6
  if (tensor !== 'input' || golden.attributes.mode !== 'training') return base
  return base * Math.max(1, largest(scaledUpstream(golden)) / largest(golden.tensor('gradients.input').data))
}

function scaledUpstream(golden: GoldenCase): number[] {
  const input = golden.tensor('input')
  const weight = golden.tensor('weight').data
  const channels = weight.length
  const { variance } = moments(input.data, channels)
  return Array.from(golden.tensor('gradOutput').data, (value, i) => {
    const c = i % channels
    return (value * weight[c]!) / Math.sqrt(variance[c]! + (golden.attributes.eps as number))
  })
}

/** Mean and biased variance of every channel, in f64. */
export function moments(values: ArrayLike<number>, channels: number) {
  const rows = values.length / channels
  const mean = new Array<number>(channels).fill(0)
  for (let i = 0; i < values.length; i++) mean[i % channels]! += values[i]! / rows
  const variance = new Array<number>(channels).fill(0)
  for (let i = 0; i < values.length; i++) variance[i % channels]! += (values[i]! - mean[i % channels]!) ** 2 / rows
  return { mean, variance }
}

export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

/** Inputs by name, without a residual unless it is asked for. */
export function randomInputs(
  engine: Engine,
  shape: readonly number[],
  trainable: readonly string[] = [],
  { residual = false } = {},
): Record<string, Tensor> {
  const channels = shape[3]!
  const make = (name: string, dimensions: readonly number[], values: Float32Array<ArrayBuffer>) =>
    [name, engine.tensor(values, dimensions, { requiresGrad: trainable.includes(name) })] as const
  return Object.fromEntries([
    make('input', shape, testValues(sizeOf(shape), 1)),
    ...(residual ? [make('residual', shape, testValues(sizeOf(shape), 6))] : []),
    make(
      'weight',
      [channels],
      testValues(channels, 2).map((value) => value + 1.5),
    ),
    make('bias', [channels], testValues(channels, 3)),
    make('runningMean', [channels], testValues(channels, 4)),
    make(
      'runningVar',
      [channels],
      testValues(channels, 5).map((value) => value + 1.5),
    ),
  ])
}

export async function valuesOf(tensors: Readonly<Record<string, Tensor>>) {
  const entries = await Promise.all(
    Object.entries(tensors).map(async ([name, tensor]) => [name, await tensor.toArray()] as const),
  )
  return Object.fromEntries(entries)
}

/** Output, running statistics and the gradients of the inputs named. */
export async function allResults(
  inputs: Readonly<Record<string, Tensor>>,
  compute: (inputs: TensorsByName) => Tensor,
): Promise<Record<string, ArrayLike<number>>> {
  const output = compute(inputs)
  const { engine } = output
  const values = await valuesOf({ output, runningMean: inputs.runningMean!, runningVar: inputs.runningVar! })
  output.backward({ gradient: engine.tensor(testValues(output.size, 9), output.shape) })
  const gradients = Object.entries(inputs).flatMap(([name, { grad }]) => (grad ? [[`gradient of ${name}`, grad]] : []))
  return { ...values, ...(await valuesOf(Object.fromEntries(gradients) as Record<string, Tensor>)) }
}
