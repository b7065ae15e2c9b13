/** The random state: a stream of its own for every use, repeatable from the seed and from a saved state. */
import { expect, test } from 'vitest'
import { RandomState } from '../../src/autograd/random-state.js'
import { OptionError } from '../../src/device/errors.js'

const take = (state: RandomState, count: number) => Array.from({ length: count }, () => state.next())

test('every use gets another stream, equal seeds get equal ones', () => {
  const streams = take(new RandomState(5), 100)
  expect(new Set(streams.map(({ stream }) => stream)).size).toBe(100)
  expect(streams.every(({ seed }) => seed === 5)).toBe(true)
  expect(take(new RandomState(5), 100)).toEqual(streams)
  expect(take(new RandomState(6), 100)).not.toEqual(streams)
})

test('goes on where a saved state stood, and starts again with reset', () => {
  const state = new RandomState(7)
  const [first] = take(state, 3)
  const saved = state.state
  const later = take(state, 3)
  const other = new RandomState(0)
  other.state = saved
  expect(take(other, 3)).toEqual(later)
  state.reset(7)
  expect(state.next()).toEqual(first)
})

test('the stream stays a 32-bit number', () => {
  const state = new RandomState(1)
  state.state = { seed: 4294967295, stream: 4294967295 }
  expect(state.next()).toEqual({ seed: 4294967295, stream: 0 })
})

test.each([-1, 1.5, NaN, Infinity, 4294967296, '1'])('a seed of %s is an error', (seed) => {
  expect(() => new RandomState(seed as number)).toThrow(OptionError)
})
