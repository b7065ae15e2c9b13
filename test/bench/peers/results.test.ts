/** What a comparison makes of the peers' answers: whose output is believed, what agrees with it, and the tables. */
import { describe, expect, test } from 'vitest'
import { parseComparison, type PeerResult, relativeError, resultsOf } from '../../../bench/peers/results.js'
import { isSound, memoryRows, ratioOf, ratioRows, timeRows } from '../../../bench/peers/table.js'
import { comparedCases } from '../../../bench/support/compared.js'

const matmul = comparedCases.find(({ name }) => name === 'mm512')!
const step = comparedCases.find(({ name }) => name === 'minivgg_train_28_b128')!

const measured = (peer: string, ms: number, output?: number[]) => ({
  peer,
  runsOn: 'gpu' as const,
  answer: { ms },
  ...(output && { output: Float32Array.from(output) }),
})

describe('relativeError', () => {
  test.each([
    { actual: [1, 2], expected: [1, 2], error: 0 },
    { actual: [0, 0], expected: [0, 0], error: 0 },
    { actual: [1, 3], expected: [1, 2], error: 0.5 },
    { actual: [1], expected: [0], error: Infinity },
    { actual: [1, 2, 3], expected: [1, 2], error: Infinity },
    { actual: [NaN, 2], expected: [1, 2], error: Infinity },
    { actual: [Infinity], expected: [Infinity], error: Infinity },
  ])('$actual for $expected: $error', ({ actual, expected, error }) => {
    expect(relativeError(actual, expected)).toBe(error)
  })
})

describe('resultsOf', () => {
  test('rates every time, and compares with the first output that is believed', () => {
    const answers = [measured('daybreak', 2, [1, 2]), measured('other', 10, [1, 2.1]), measured('exact', 4, [1, 2.001])]
    const [own, other, exact] = resultsOf(matmul, answers, ['reference', 'daybreak'])
    expect(own).toEqual({ case: 'mm512', peer: 'daybreak', runsOn: 'gpu', ms: 2, gflops: 134.2 })
    expect(other).toMatchObject({ comparedWith: 'daybreak', agrees: false, relativeError: 0.05 })
    expect(exact).toMatchObject({ comparedWith: 'daybreak', agrees: true, relativeError: 0.0005 })
  })

  test('losses of a training step may differ more', () => {
    const answers = [
      measured('daybreak', 2, [1, 2]),
      measured('other', 10, [1, 2.03]),
      measured('worse', 10, [1, 2.05]),
    ]
    const [, other, worse] = resultsOf(step, answers, ['daybreak'])
    expect([other!.agrees, worse!.agrees]).toEqual([true, false])
  })

  test('nothing is compared without an output that is believed', () => {
    const [result] = resultsOf(matmul, [measured('other', 10, [1])], ['reference'])
    expect(result).not.toHaveProperty('agrees')
  })

  test('an output of another length disagrees, and can be written as JSON', () => {
    const [, other] = resultsOf(matmul, [measured('daybreak', 1, [1, 2]), measured('other', 1, [1])], ['daybreak'])
    expect(other!.agrees).toBe(false)
    expect(JSON.parse(JSON.stringify(other))).toEqual(other)
  })
})

const results: PeerResult[] = [
  { case: 'a', peer: 'daybreak', runsOn: 'gpu', ms: 2, peakMB: 100.4 },
  { case: 'a', peer: 'slow', runsOn: 'gpu', ms: 9, peakMB: 300 },
  { case: 'a', peer: 'wrong', runsOn: 'gpu', ms: 4, agrees: false },
  { case: 'b', peer: 'daybreak', runsOn: 'gpu', firstMs: 50 },
  { case: 'b', peer: 'slow', runsOn: 'gpu', unsupported: 'no training' },
  { case: 'b', peer: 'wrong', runsOn: 'gpu', error: 'out of memory' },
]

describe('tables', () => {
  test('times, with a mark at what is not to be believed', () => {
    expect(timeRows({ results, cold: false })).toEqual([
      ['ms', 'daybreak', 'slow', 'wrong'],
      ['a', '2', '9', '4 (!)'],
      ['b', '50', 'cannot', 'failed'],
    ])
    expect(timeRows({ results, cold: true })[0]![0]).toBe('first execution, ms')
  })

  test('ratios, above 1 where Daybreak is faster', () => {
    expect(ratioOf(results, 'a', 'slow')).toBe(4.5)
    expect(ratioOf(results, 'b', 'slow')).toBeUndefined()
    expect(ratioRows({ results })).toEqual([
      ['times Daybreak', 'slow', 'wrong'],
      ['a', '4.5', '2 (!)'],
      ['b', '', ''],
    ])
  })

  test('memory', () => {
    expect(memoryRows({ results })[1]).toEqual(['a', '100', '300', ''])
  })

  test('errors of the GPU make a result unsound, too', () => {
    expect(isSound({ ...results[0]!, gpuErrors: 1 })).toBe(false)
    expect(isSound({ ...results[0]!, gpuErrors: 0 })).toBe(true)
  })
})

describe('parseComparison', () => {
  test('reads what was written', () => {
    const comparison = { date: '2026-11-26', platform: 'x64', cold: false, quick: true, results }
    expect(parseComparison(JSON.stringify(comparison))).toEqual(comparison)
  })

  test.each([
    ['null', 'not a comparison'],
    ['{"results": 1}', 'not a comparison'],
    ['{"results": [{"case": "a"}]}', 'result 0 of the comparison has no "peer"'],
    ['{"results": [{"case": "a", "peer": "b", "ms": "1"}]}', '"ms" of result 0 of the comparison is not a number'],
    ['{', 'JSON'],
  ])('%s is refused', (text, message) => {
    expect(() => parseComparison(text)).toThrow(message)
  })
})
