/** Where the memory of a recorded step lies: properties that hold for any lifetimes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minimalBytes, placeAllocations, type PlacementProblem } from '../../../src/device/plan/placement.js'

const alignment = 256
const largestArena = 2 ** 14

const lifetime = fc
  .record({
    size: fc.integer({ min: 1, max: largestArena / 4 }).map((n) => n * 4),
    first: fc.nat(40),
    length: fc.nat(20),
  })
  .map(({ size, first, length }) => ({ size, first, last: first + length }))

/** A problem with pairs that live at the same time, as those of a dispatch do. */
const problems: fc.Arbitrary<PlacementProblem> = fc
  .record({
    lifetimes: fc.array(lifetime, { maxLength: 40 }),
    pairs: fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 30 }),
  })
  .map(({ lifetimes, pairs }) => {
    const apart = pairs
      .map(([a, b]) => [a % Math.max(1, lifetimes.length), b % Math.max(1, lifetimes.length)] as const)
      .filter(([a, b]) => a !== b)
    return { lifetimes, apart, alignment, largestArena }
  })

describe('a placement', () => {
  test('gives those that live at the same time different bytes, aligned, inside of arenas that are not too large', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const { lifetimes } = problem
        const { places, arenas } = placeAllocations(problem)
        expect(places).toHaveLength(lifetimes.length)
        for (const [i, { arena, offset }] of places.entries()) {
          const one = lifetimes[i]!
          expect(offset % alignment).toBe(0)
          expect(offset + one.size).toBeLessThanOrEqual(arenas[arena]!)
          for (const [j, other] of lifetimes.entries()) {
            if (j <= i || places[j]!.arena !== arena || other.first > one.last || other.last < one.first) continue
            const apart = places[j]!.offset >= offset + one.size || offset >= places[j]!.offset + other.size
            expect(apart, `${i} and ${j}`).toBe(true)
          }
        }
        for (const size of arenas) expect(size).toBeLessThanOrEqual(largestArena)
      }),
    )
  })

  test('keeps apart what must not be in one buffer', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const { places } = placeAllocations(problem)
        for (const [a, b] of problem.apart) expect(places[a]!.arena).not.toBe(places[b]!.arena)
      }),
    )
  })

  test('takes at least what is minimal, and at most what nothing shared would', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const planned = placeAllocations(problem).arenas.reduce((sum, size) => sum + size, 0)
        expect(planned).toBeGreaterThanOrEqual(minimalBytes(problem.lifetimes))
        const aligned = problem.lifetimes.map(({ size }) => Math.ceil(size / alignment) * alignment)
        expect(planned).toBeLessThanOrEqual(aligned.reduce((sum, size) => sum + size, 0))
      }),
    )
  })

  test('of one after the other is the largest of them', () => {
    const lifetimes = [1024, 4096, 2048].map((size, i) => ({ size, first: i, last: i }))
    expect(placeAllocations({ lifetimes, apart: [], alignment, largestArena }).arenas).toEqual([4096])
    expect(minimalBytes(lifetimes)).toBe(4096)
  })

  test('puts a small one into the narrowest gap that it fits', () => {
    const lifetimes = [
      { size: 4096, first: 0, last: 1 }, // at 0
      { size: 2048, first: 0, last: 9 }, // at 4096
      { size: 1024, first: 5, last: 9 }, // below it, where the first was
      { size: 256, first: 5, last: 9 },
    ]
    const { places, arenas } = placeAllocations({ lifetimes, apart: [], alignment, largestArena })
    expect(places.map(({ offset }) => offset)).toEqual([0, 4096, 0, 1024])
    expect(arenas).toEqual([6144])
  })
})

describe('the minimum', () => {
  test('counts both ends of a life', () => {
    const lifetimes = [
      { size: 4, first: 0, last: 3 },
      { size: 8, first: 3, last: 5 },
      { size: 16, first: 6, last: 6 },
    ]
    expect(minimalBytes(lifetimes)).toBe(16)
    expect(minimalBytes(lifetimes.slice(0, 2))).toBe(12)
    expect(minimalBytes([])).toBe(0)
  })
})
