/** How tests compare arrays of floating-point numbers. */
import { expect } from 'vitest'

/**
 * The largest absolute difference, relative to the largest expected magnitude. Relative to the whole array, because an
 * element that is a sum of cancelling terms has the rounding error of the terms, not of the sum.
 */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  let difference = 0
  let magnitude = 1e-30
  for (let i = 0; i < expected.length; i++) {
    const delta = Math.abs(actual[i]! - expected[i]!)
    if (!(delta <= Number.MAX_VALUE)) return Infinity // NaN or infinite
    difference = Math.max(difference, delta)
    magnitude = Math.max(magnitude, Math.abs(expected[i]!))
  }
  return difference === 0 ? 0 : difference / magnitude
}

/** Fails unless `relativeError` is at most `tolerance`; `what` names the compared thing. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const error = relativeError(actual, expected)
  expect(error, `${what}: relative error`).toBeLessThanOrEqual(tolerance)
}

/** Deterministic values in [-1, 1) for tests that need any numbers. */
export function testValues(length: number, seed = 1): Float32Array<ArrayBuffer> {
  let state = (seed * 2654435761) >>> 0
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) / 8388608 - 1
  })
}

/** The sum of absolute values: what the rounding error of a sum is relative to. */
export function sumOfMagnitudes(values: Iterable<number>): number {
  let sum = 0
  for (const value of values) sum += Math.abs(value)
  return sum
}

/** The largest absolute value. */
export function largestMagnitude(values: Iterable<number>): number {
  let largest = 0
  for (const value of values) largest = Math.max(largest, Math.abs(value))
  return largest
}
