/** What the tuner chooses, and when it changes its mind. */
import { describe, expect, test } from 'vitest'
import type { MeasuredProblem } from '../../src/tuning/table.js'
import { problemName } from '../../src/tuning/tunable.js'
import { Tuner } from '../../src/tuning/tuner.js'
import { describedDevice, type SquareMethod, squares } from '../support/tuning.js'

const device = describedDevice()
const key = { family: 'squares', shape: '8x8', batch: 4 }
const problem = { side: 8, batch: 4 }

function measured(batch: number, milliseconds: Partial<Record<string, number>>): MeasuredProblem {
  const timings = Object.entries(milliseconds).map(([way, time]) => ({ method: { way }, milliseconds: time!, runs: 3 }))
  return { ...key, batch, date: '2026-11-26T12:00:00Z', timings }
}

const shipped = (batch: number, way: string) => ({ ...key, batch, method: { way } })
const way = (tuner: Tuner, batch = 4): SquareMethod['way'] => tuner.method(squares, { side: 8, batch }).way

describe('the tuner chooses', () => {
  test('by the estimate, where nobody knows better', () => {
    const tuner = new Tuner(device)
    expect(way(tuner)).toBe('plain')
    expect(tuner.choice(tuner.wanted[0]!)).toEqual({ method: { way: 'plain' }, from: 'estimate' })
  })

  test('what was measured here, before what is shipped, before the estimate', () => {
    expect(way(new Tuner(device, 'off', { shipped: [shipped(4, 'fast')] }))).toBe('fast')
    const both = { measured: [measured(4, { plain: 3, odd: 1, fast: 2 })], shipped: [shipped(4, 'fast')] }
    const tuner = new Tuner(device, 'cached', both)
    expect(way(tuner)).toBe('odd')
    const [asked] = tuner.problemsOf(() => way(tuner))
    expect(tuner.choice(asked!)).toEqual({ method: { way: 'odd' }, from: 'measured' })
    expect(tuner.choiceWithoutMeasuring(asked!)).toEqual({ method: { way: 'fast' }, from: 'shipped' })
  })

  test('for a batch that is not in the table by the most similar one, up to four times as large or small', () => {
    const tuner = new Tuner(device, 'cached', { measured: [measured(4, { fast: 1 }), measured(64, { odd: 1 })] })
    expect([1, 3, 15, 16, 17, 256].map((batch) => way(tuner, batch))).toEqual([
      'fast',
      'fast',
      'fast',
      'odd', // as near to 4 as to 64
      'odd',
      'odd',
    ])
    expect(way(tuner, 257)).toBe('plain')
    expect(tuner.method(squares, { side: 9, batch: 4 }).way).toBe('plain')
  })

  test('no method that the device does not have, whatever tables say', () => {
    const tables = { measured: [measured(4, { unheard: 1, fast: 2 })], shipped: [shipped(4, 'unheard')] }
    expect(way(new Tuner(device, 'cached', tables))).toBe('fast')
    expect(way(new Tuner(device, 'cached', { shipped: [shipped(4, 'unheard')] }))).toBe('plain')
    const other = { ...measured(4, {}), timings: [{ method: { way: 'fast', more: '1' }, milliseconds: 1, runs: 1 }] }
    expect(way(new Tuner(device, 'cached', { measured: [other] }))).toBe('plain')
  })

  test('anew when it has learned something, and among fewer when it is restricted', () => {
    const tuner = new Tuner(device)
    expect(way(tuner)).toBe('plain')
    tuner.learn(measured(4, { plain: 2, fast: 1 }))
    expect(way(tuner)).toBe('fast')
    tuner.restrict((method) => method.way !== 'fast')
    expect(way(tuner)).toBe('plain')
    tuner.restrict(() => false) // none would be left
    expect(way(tuner)).toBe('fast')
  })
})

describe('the tuner remembers', () => {
  test('what was asked for and not measured, each problem once', () => {
    const tuner = new Tuner(device, 'cached', { measured: [measured(4, { fast: 1 })] })
    for (const batch of [4, 2, 2, 8]) way(tuner, batch)
    expect(tuner.wanted.map(problemName)).toEqual(['squares 8x8, batch 2', 'squares 8x8, batch 8'])
    tuner.learn(measured(2, { plain: 1 }))
    expect(tuner.wanted.map(({ batch }) => batch)).toEqual([8])
  })

  test('what a function asks for, measured or not', () => {
    const tuner = new Tuner(device, 'cached', { measured: [measured(4, { fast: 1 })] })
    way(tuner, 2)
    const asked = tuner.problemsOf(() => {
      for (const batch of [8, 4, 8]) way(tuner, batch)
    })
    expect(asked.map(({ batch }) => batch)).toEqual([8, 4])
    expect(tuner.wanted.map(({ batch }) => batch)).toEqual([2, 8])
    expect(asked[0]).toMatchObject({
      ...key,
      batch: 8,
      operations: 512,
      operands: { output: { size: 512, half: false } },
    })
  })

  test('what was asked for before a function that throws', () => {
    const tuner = new Tuner(device)
    tuner.method(squares, problem)
    expect(() =>
      tuner.problemsOf(() => {
        throw new Error('too bad')
      }),
    ).toThrow('too bad')
    expect(tuner.wanted).toHaveLength(1)
  })
})
