/** The self-test of `daybreak doctor` passes on the default adapter, and notices what is wrong. */
import { describe, expect, test } from 'vitest'
import { differentiable } from '../../src/autograd/tape.js'
import { mul } from '../../src/autograd/ops/binary.js'
import { relu } from '../../src/autograd/ops/relu.js'
import { kernelCheck, trainable } from '../../src/autograd/self-test/check.js'
import {
  byKernel,
  checksFor,
  type CheckResult,
  type KernelCheck,
  selfTest,
  selfTestChecks,
} from '../../src/autograd/self-test/index.js'
import { runCheck } from '../../src/autograd/self-test/run.js'
import { Values } from '../../src/autograd/self-test/values.js'
import { ShapeError } from '../../src/device/errors.js'
import { useEngine } from '../support/engine.js'
import { hasHalf } from '../support/half.js'

const holder = useEngine()

async function resultsOf(checks: readonly KernelCheck[]): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for await (const result of selfTest(holder.engine, checks)) results.push(result)
  return results
}

describe('the self-test', () => {
  const byName = selfTestChecks.map((check) => [`${check.kernel}: ${check.variant}`, check] as const)
  const possible = byName.filter(([, { needs }]) => needs === undefined || hasHalf)
  test.each(possible)('%s', async (_name, check) => {
    const result = await runCheck(holder.engine, check)
    expect(result.problem).toBeUndefined()
    expect(result.ok).toBe(true)
  })

  test('leaves out what the adapter has no feature for', () => {
    const needy = selfTestChecks.filter(({ needs }) => needs !== undefined)
    expect(needy.length).toBeGreaterThan(5)
    expect(checksFor(holder.engine, needy)).toEqual(hasHalf ? needy : [])
  })

  test('names each check once', () => {
    expect(new Set(byName.map(([name]) => name)).size).toBe(selfTestChecks.length)
  })
})

describe('what it notices', () => {
  const working = kernelCheck({
    kernel: 'relu',
    variant: 'works',
    inputs: { input: trainable([5, 7]) },
    run: ({ input }) => relu(input),
    reference: ({ input }) =>
      new Values(
        input.shape,
        input.data.map((value) => Math.max(value, 0)),
      ),
  })

  test('one wrong element among many', async () => {
    const wrong: KernelCheck = {
      ...working,
      variant: 'broken',
      reference(inputs, output) {
        const { shape, data } = working.reference(inputs, output)
        data[data.length - 1]! += 0.01
        return new Values(shape, data)
      },
    }
    const [kernel] = byKernel(await resultsOf([working, wrong]))
    expect(kernel).toMatchObject({ kernel: 'relu', ok: false, checks: 2 })
    expect(kernel!.outputError).toBeGreaterThan(1e-3)
    expect(kernel!.problems).toEqual([expect.stringMatching(/^broken: output: relative error \d/)])
  })

  test('a wrong gradient behind a right output', async () => {
    const wrong: KernelCheck = {
      ...working,
      run: ({ input, output = input!.engine.noGrad(() => relu(input!)) }) =>
        // the rule forgets to leave negative inputs out
        differentiable({ name: 'relu', inputs: { input }, output, gradients: ({ gradient }) => ({ input: gradient }) }),
    }
    const [result] = await resultsOf([wrong])
    expect(result).toMatchObject({ ok: false, outputError: 0 })
    expect(result!.problem).toMatch(/^gradient of input: relative error/)
  })

  test('NaN', async () => {
    const wrong: KernelCheck = {
      ...working,
      run: ({ input }) => mul(input!, input!.engine.tensor(new Float32Array(35).fill(NaN), [5, 7])),
    }
    expect(await resultsOf([wrong])).toMatchObject([{ ok: false, outputError: Infinity }])
  })

  test('a wrong shape', async () => {
    const wrong: KernelCheck = { ...working, reference: () => new Values([35], new Float64Array(35)) }
    expect(await resultsOf([wrong])).toMatchObject([{ ok: false, problem: 'the output is [5, 7] instead of [35]' }])
  })

  test('a kernel that throws, and goes on after it', async () => {
    const wrong: KernelCheck = {
      ...working,
      run() {
        throw new ShapeError('relu', 'anything else', 'this')
      },
    }
    expect(await resultsOf([wrong, working])).toMatchObject([
      { ok: false, problem: 'relu: expected anything else, got this' },
      { ok: true },
    ])
  })
})
