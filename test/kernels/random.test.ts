import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { philox4x32 } from '../../src/data/random.js'
import { fillNormal } from '../../src/kernels/random/normal.js'
import { fillUniform } from '../../src/kernels/random/uniform.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { expectClose } from '../support/compare.js'
import { correlation, moments } from '../support/statistics.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

const size = 40_001 // no multiple of anything; three windows of a tiny device

async function uniform(engine: Engine, stream: number, { seed = 1, low = 0, high = 1, count = size } = {}) {
  const output = engine.empty([count])
  fillUniform(engine.device, { output: output.buffer, size: count, low, high, random: { seed, stream } })
  return output.toArray()
}

async function normal(engine: Engine, stream: number, { seed = 1, mean = 0, std = 1, count = size } = {}) {
  const output = engine.empty([count])
  fillNormal(engine.device, { output: output.buffer, size: count, mean, std, random: { seed, stream } })
  return output.toArray()
}

/** The words that the kernels should draw, four for each block. */
function words(seed: number, stream: number, count: number): number[] {
  return Array.from({ length: Math.ceil(count / 4) }, (_, block) => philox4x32([block, 1, stream, 0], [seed, 0]))
    .flat()
    .slice(0, count)
}

describe('uniform', () => {
  test.each([
    [0, 1],
    [0xffffffff, 0xffffffff],
    [123456789, 2],
  ])('equals the reference generator, seed %i, stream %i', async (seed, stream) => {
    const expected = words(seed, stream, 1001).map((word) => (word >>> 8) / 2 ** 24)
    expect([...(await uniform(holder.engine, stream, { seed, count: 1001 }))]).toEqual(expected)
  })

  test('has the mean, the variance and the spread of a uniform distribution', async () => {
    const values = await uniform(holder.engine, 1, { low: -3, high: 1 })
    const { mean, variance, skewness, kurtosis } = moments(values)
    // four standard errors
    expect(Math.abs(mean + 1)).toBeLessThan(4 * Math.sqrt(16 / 12 / size))
    expect(Math.abs(variance / (16 / 12) - 1)).toBeLessThan(4 * Math.sqrt(0.8 / size))
    expect(Math.abs(skewness)).toBeLessThan(0.05)
    expect(Math.abs(kurtosis - 1.8)).toBeLessThan(0.05)
    const cells = new Array<number>(16).fill(0)
    for (const value of values) cells[Math.floor((value + 3) * 4)]!++
    const chiSquare = cells.reduce((sum, count) => sum + (count - size / 16) ** 2 / (size / 16), 0)
    expect(chiSquare).toBeLessThan(37.7) // 15 degrees of freedom, 0.1 %
  })

  test('never reaches the upper bound, even where rounding would', async () => {
    for (const [low, high] of [
      [1, 2],
      [1000, 1000.0001],
      [-1, 0],
    ] as const) {
      const values = await uniform(holder.engine, 1, { low, high, count: 4000 })
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low)
      expect(Math.max(...values)).toBeLessThan(high)
    }
  })
})

describe('normal', () => {
  test('equals Box and Muller on the reference generator', async () => {
    const drawn = words(7, 3, 1000)
    const expected = drawn.map((_word, i) => {
      const first = i - (i % 2)
      const radius = Math.sqrt(-2 * Math.log(1 - (drawn[first]! >>> 8) / 2 ** 24))
      const angle = Math.PI * ((2 * (drawn[first + 1]! >>> 8)) / 2 ** 24 - 1)
      return 5 + 0.5 * radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle))
    })
    const values = await normal(holder.engine, 3, { seed: 7, mean: 5, std: 0.5, count: 1000 })
    expectClose(values, expected, 2e-4, 'values') // WGSL allows sine and cosine an absolute error of 2^-11
  })

  test('has the moments of a normal distribution', async () => {
    const { mean, variance, skewness, kurtosis } = moments(await normal(holder.engine, 1, { mean: 2, std: 3 }))
    // four standard errors
    expect(Math.abs(mean - 2)).toBeLessThan((4 * 3) / Math.sqrt(size))
    expect(Math.abs(variance / 9 - 1)).toBeLessThan(4 * Math.sqrt(2 / size))
    expect(Math.abs(skewness)).toBeLessThan(4 * Math.sqrt(6 / size))
    expect(Math.abs(kurtosis - 3)).toBeLessThan(4 * Math.sqrt(24 / size))
  })
})

describe.each([
  ['uniform', uniform],
  ['normal', normal],
])('%s', (_name, draw) => {
  test('does not depend on workgroups and windows', async () => {
    expect(await draw(tiny.engine, 5)).toEqual(await draw(holder.engine, 5))
  })

  test('the beginning does not depend on the size', async () => {
    const values = await draw(holder.engine, 5)
    expect([...(await draw(holder.engine, 5, { count: 77 }))]).toEqual([...values.slice(0, 77)])
  })

  test('streams and seeds are independent of each other', async () => {
    const { engine } = holder
    const first = await draw(engine, 1)
    for (const other of [
      await draw(engine, 2),
      await draw(engine, 1, { seed: 2 }),
      await draw(engine, 2, { seed: 0 }),
    ]) {
      expect(Math.abs(correlation(first, other))).toBeLessThan(4 / Math.sqrt(size))
      let equal = 0
      for (let i = 0; i < size; i++) if (first[i] === other[i]) equal++
      expect(equal).toBeLessThan(5) // one of 2^24 by chance
    }
    expect(Math.abs(correlation(first.slice(1), first.slice(0, -1)))).toBeLessThan(4 / Math.sqrt(size))
  })
})
