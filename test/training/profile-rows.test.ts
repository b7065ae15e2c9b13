/** The rows of a profile, from dispatches made up here. */
import { expect, test } from 'vitest'
import type { KernelTime } from '../../src/device/timestamps.js'
import { profileRows } from '../../src/training/index.js'

/** A million operations, and a thousand bytes, in a second. */
const peaks = { operationsPerSecond: 1e6, bytesPerSecond: 1e3 }

function dispatch(kernel: string, label: string, milliseconds: number, operations: number, bytes: number): KernelTime {
  const [phase, module] = label.split(' ') as [string, string]
  return {
    kernel,
    label: { phase, module },
    milliseconds,
    operations,
    bytes,
    workgroups: [1, 1, 1],
    start: 0,
    end: milliseconds * 1e6,
  }
}

const dispatches = [
  dispatch('conv', 'forward conv1', 100, 50_000, 10),
  dispatch('relu', 'forward conv1', 50, 100, 25),
  dispatch('conv', 'backward conv1', 200, 100_000, 20),
  dispatch('conv', 'forward conv2', 50, 10_000, 40),
]

test('by kernel', () => {
  const [conv, relu, ...rest] = profileRows(dispatches, peaks, 'kernel')
  expect(rest).toEqual([])
  expect(conv).toMatchObject({ kernel: 'conv', phase: undefined, module: undefined, calls: 3, milliseconds: 350 })
  expect(conv).toMatchObject({ share: 350 / 400, operations: 160_000, bytes: 70, bound: 'arithmetic' })
  expect(conv!.operationsPerSecond).toBeCloseTo(160_000 / 0.35)
  expect(conv!.bytesPerSecond).toBeCloseTo(70 / 0.35)
  // each dispatch has its own roof: 50 ms and 100 ms of arithmetic, 40 ms of memory
  expect(conv!.peakShare).toBeCloseTo(190 / 350)
  expect(relu).toMatchObject({ kernel: 'relu', phase: 'forward', module: 'conv1', calls: 1, bound: 'bandwidth' })
  expect(relu!.peakShare).toBeCloseTo(0.5)
})

test('by layer, forward and backward apart', () => {
  const rows = profileRows(dispatches, peaks, 'layer')
  expect(rows.map(({ module, phase, calls, milliseconds }) => [module, phase, calls, milliseconds])).toEqual([
    ['conv1', 'backward', 1, 200],
    ['conv1', 'forward', 2, 150],
    ['conv2', 'forward', 1, 50],
  ])
  expect(rows[1]!.kernel).toBeUndefined()
  expect(rows[0]!.kernel).toBe('conv')
})

test('by dispatch, the slowest first and equals in order', () => {
  const rows = profileRows(dispatches, peaks, 'dispatch')
  expect(rows.map(({ milliseconds }) => milliseconds)).toEqual([200, 100, 50, 50])
  expect(rows.map(({ kernel }) => kernel)).toEqual(['conv', 'conv', 'relu', 'conv'])
})

test('dispatches that a coarse clock does not see have no speed', () => {
  const [row] = profileRows([dispatch('add', 'forward a', 0, 100, 100)], peaks, 'kernel')
  expect(row).toMatchObject({ calls: 1, milliseconds: 0, share: 0 })
  expect([row!.operationsPerSecond, row!.bytesPerSecond, row!.peakShare]).toEqual([undefined, undefined, undefined])
})

test('no dispatches, no rows', () => {
  expect(profileRows([], peaks, 'layer')).toEqual([])
})
