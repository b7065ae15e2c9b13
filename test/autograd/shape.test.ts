/** Shapes: counting, checking, broadcasting as NumPy defines it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  broadcastShapes,
  checkRank,
  checkShape,
  formatShape,
  normalizeDim,
  sameShape,
  sizeOf,
} from '../../src/autograd/shape.js'
import { ShapeError } from '../../src/device/errors.js'

const shape = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 })

test('a scalar has one element and no dimensions', () => {
  expect(sizeOf([])).toBe(1)
  expect(sizeOf([2, 3, 4])).toBe(24)
  expect(formatShape([])).toBe('[]')
  expect(formatShape([2, 3])).toBe('[2, 3]')
  expect(sameShape([2], [2, 1])).toBe(false)
})

test.each([[[0]], [[2, -1]], [[1.5]], [[NaN]], [[Infinity]]])('%s is no shape', (wrong) => {
  expect(() => checkShape('test', wrong)).toThrow(ShapeError)
  expect(() => checkShape('test', wrong)).toThrow(/test: expected positive integers/)
})

test('checkRank names the layout', () => {
  expect(() => checkRank('conv2d', [1, 2], 4, '[N, H, W, C]')).toThrow('conv2d: expected [N, H, W, C], got [1, 2]')
  checkRank('conv2d', [1, 2, 3, 4], 4, '[N, H, W, C]')
})

describe('normalizeDim', () => {
  test('counts from the end where it is negative', () => {
    expect([0, 2, -1, -3].map((dim) => normalizeDim('test', dim, 3))).toEqual([0, 2, 2, 0])
  })

  test.each([3, -4, 0.5, NaN])('refuses %s of three dimensions', (dim) => {
    expect(() => normalizeDim('test', dim, 3)).toThrow(/a dimension from -3 to 2/)
  })
})

describe('broadcastShapes', () => {
  test('stretches ones, aligned at the last dimension', () => {
    expect(broadcastShapes('test', [4, 1, 3], [2, 1])).toEqual([4, 2, 3])
    expect(broadcastShapes('test', [], [2, 1])).toEqual([2, 1])
    expect(() => broadcastShapes('add', [2, 3], [2])).toThrow('add: expected shapes that broadcast together')
  })

  test('does not depend on the order, and a result broadcasts with its operands to itself', () => {
    fc.assert(
      fc.property(shape, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), fc.nat(5), (full, ones, dropped) => {
        const part = full.map((length, i) => (ones[i] ? 1 : length)).slice(Math.min(dropped, full.length))
        expect(broadcastShapes('test', full, part)).toEqual(full)
        expect(broadcastShapes('test', part, full)).toEqual(full)
      }),
    )
  })
})
