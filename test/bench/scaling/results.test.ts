/** What a scaling run is: its points, what linear growth would be, and whether speed is kept. */
import { describe, expect, test } from 'vitest'
import { longRun, positionOf, scalingPoints } from '../../../bench/scaling/points.js'
import { linearReference, parseScaling, type ScalingResult, speedKept } from '../../../bench/scaling/results.js'

describe('points', () => {
  test('reach from one end of each axis to the other, in both modes', () => {
    for (const mode of ['forward', 'training'] as const) {
      const along = (axis: string) =>
        scalingPoints(false).flatMap((point) => (point.axis === axis && point.mode === mode ? [positionOf(point)] : []))
      expect([along('batch')[0], along('batch').at(-1)]).toEqual([1, 64])
      expect([along('side')[0], along('side').at(-1)]).toEqual([32, 224])
      expect(along('depth')).toEqual([18, 50, 101])
    }
  })

  test('a quick look keeps the ends', () => {
    const batches = scalingPoints(true).filter(({ axis, mode }) => axis === 'batch' && mode === 'forward')
    expect(batches.map(({ batch }) => batch)).toEqual([1, 8, 64])
    expect(longRun(false).steps).toBe(2000)
    expect(longRun(true).steps).toBeLessThan(longRun(false).steps)
  })
})

const point = (batch: number, ms: number | undefined, multiplyAdds: number): ScalingResult => ({
  axis: 'batch',
  architecture: 'resnet50',
  batch,
  side: 64,
  mode: 'forward',
  multiplyAdds,
  ...(ms !== undefined && { ms }),
})

test('linear growth is counted down from the largest point that was measured', () => {
  const results = [point(1, 5, 10), point(4, 12, 40), point(2, 7, 20), point(8, undefined, 80)]
  expect(linearReference(results)).toEqual([
    { position: 1, ms: 3 },
    { position: 4, ms: 12 },
    { position: 2, ms: 6 },
  ])
  expect(linearReference([])).toEqual([])
})

describe('speedKept', () => {
  const windows = (speeds: readonly number[]) =>
    speeds.map((stepsPerSecond, i) => ({ step: 100 * (i + 1), stepsPerSecond, reservedMB: 1, residentMB: 1 }))

  test('compares the last fifth with the second one: the first may still compile', () => {
    expect(speedKept(windows([1, 10, 10, 10, 5]))).toBe(0.5)
    expect(speedKept(windows([1, 1, 10, 10, 0, 0, 0, 0, 10, 10]))).toBe(1)
  })

  test('says nothing about short runs', () => {
    expect(speedKept(windows([1, 1, 1, 1]))).toBeUndefined()
  })
})

test.each([
  ['{}', 'not a scaling run'],
  ['{"points": [], "windows": 3}', 'not a scaling run'],
  ['{"points": [{"axis": "batch"}], "windows": []}', 'point 0 of the scaling run lacks'],
])('%s is refused', (text, message) => {
  expect(() => parseScaling(text)).toThrow(message)
})
