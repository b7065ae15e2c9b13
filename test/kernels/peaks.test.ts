/** The kernels that measure an adapter do the work that they are timed for. */
import { describe, expect, test } from 'vitest'
import { multiplyAddsPerRound, peakArithmetic } from '../../src/kernels/peaks/arithmetic.js'
import { peakCopy } from '../../src/kernels/peaks/copy.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const holder = useEngine()
const lesser = useEngine({ requiredLimits: tinyLimits })

/** The eight numbers of an invocation begin with i % 4 + 0, 1, ... 7. */
const sumAtFirst = (i: number) => 8 * (i % 4) + 28

async function runArithmetic(engine: typeof holder.engine, size: number, rounds: number, numbers: [number, number]) {
  const [factor, summand] = numbers
  const output = engine.empty([size])
  peakArithmetic(engine.device, { output: output.buffer, size, rounds, factor, summand })
  return output.toArray()
}

describe('peaks/arithmetic', () => {
  test.each([1, 63, 64, 65, 1000])('adds in every round of %i invocations', async (size) => {
    const steps = 3 * 32
    const expected = Float32Array.from({ length: size }, (_, i) => sumAtFirst(i) + 8 * steps)
    expect(await runArithmetic(holder.engine, size, 3, [1, 1])).toEqual(expected)
    expect(await runArithmetic(lesser.engine, size, 3, [1, 1])).toEqual(expected)
  })

  test('multiplies', async () => {
    // x = 1 stays; elsewhere the distance from 1 doubles 32 times, which is exact
    const expected = [0, 1, 2, 3].map((i) => 8 + (sumAtFirst(i) - 8) * 2 ** 32)
    expect([...(await runArithmetic(holder.engine, 4, 1, [2, -1]))]).toEqual(expected.map(Math.fround))
  })

  test('without rounds, nothing changes', async () => {
    expect([...(await runArithmetic(holder.engine, 5, 0, [2, 3]))]).toEqual([0, 1, 2, 3, 4].map(sumAtFirst))
  })

  test('counts a round as 32 steps of 8 numbers', () => {
    expect(multiplyAddsPerRound).toBe(256)
  })
})

test.each([4, 252, 256, 260, 4000])('peaks/copy copies %i numbers and no more', async (size) => {
  for (const { engine } of [holder, lesser]) {
    const source = engine.tensor(Float32Array.from({ length: size }, (_, i) => i - 7))
    const destination = engine.full([size + 4], -1)
    peakCopy(engine.device, { source: source.buffer, destination: destination.buffer, size })
    const expected = [...(await source.toArray()), -1, -1, -1, -1]
    expect([...(await destination.toArray())]).toEqual(expected)
  }
})
