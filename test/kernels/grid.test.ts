/** Grids and windows cover everything once and keep to the limits, whatever these are. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeviceBuffer } from '../../src/device/buffer.js'
import type { Device } from '../../src/device/device.js'
import { KernelError } from '../../src/device/errors.js'
import { elementGrid, linearGrid, rowWindows, shiftedRange, windowOf } from '../../src/kernels/grid.js'

const buffer = undefined as unknown as DeviceBuffer
const deviceWith = (limits: Partial<Device['limits']>, workgroupSize = 64) =>
  ({ limits, workgroupSize }) as unknown as Device

describe('linearGrid', () => {
  test('is a line while it fits, then folds', () => {
    const device = deviceWith({ workgroupsPerDimension: 100 })
    expect(linearGrid(device, 0)).toEqual([1, 1, 1])
    expect(linearGrid(device, 100)).toEqual([100, 1, 1])
    expect(linearGrid(device, 101)).toEqual([51, 2, 1])
    expect(elementGrid(device, 64 * 100 + 1)).toEqual([51, 2, 1])
  })

  test('has room for all groups, keeps to the limit and wastes less than a row', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65535 }), fc.double({ min: 0, max: 1, noNaN: true }), (limit, part) => {
        const count = Math.ceil(part * limit * limit)
        const [x, y, z] = linearGrid(deviceWith({ workgroupsPerDimension: limit }), count)
        expect(z).toBe(1)
        expect(Math.max(x, y)).toBeLessThanOrEqual(limit)
        expect(x * y).toBeGreaterThanOrEqual(count)
        expect(x * y - Math.max(count, 1)).toBeLessThan(y)
      }),
    )
  })
})

describe('rowWindows', () => {
  const cases = fc.record({
    rows: fc.integer({ min: 1, max: 5000 }),
    rowBytes: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 3 }),
    offsetAlignment: fc.constantFrom(32, 64, 256),
    bindingSize: fc.integer({ min: 1, max: 1024 }).map((n) => n * 256),
  })

  test('cover the rows in order, and every operand keeps to the binding size and the alignment', () => {
    fc.assert(
      fc.property(cases, ({ rows, rowBytes, offsetAlignment, bindingSize }) => {
        const device = deviceWith({ offsetAlignment, bindingSize })
        let windows
        try {
          windows = rowWindows(device, 'test', rows, rowBytes)
        } catch (error) {
          // only where an aligned piece of the largest operand is too large
          expect(error).toBeInstanceOf(KernelError)
          expect(Math.max(...rowBytes) * offsetAlignment).toBeGreaterThan(bindingSize)
          return
        }
        let next = 0
        for (const window of windows) {
          expect(window.start).toBe(next)
          expect(window.count).toBeGreaterThan(0)
          next += window.count
          for (const bytes of rowBytes) {
            const { offset, size } = windowOf(buffer, window, bytes)
            expect(offset % offsetAlignment).toBe(0)
            expect(size).toBeLessThanOrEqual(bindingSize)
            expect(size % 4).toBe(0)
            expect(size).toBeGreaterThanOrEqual(window.count * bytes)
          }
        }
        expect(next).toBe(rows)
      }),
    )
  })

  test('are one window where everything fits, and an error where not even a row does', () => {
    const device = deviceWith({ offsetAlignment: 256, bindingSize: 65536 })
    expect(rowWindows(device, 'test', 128, [512, 4])).toEqual([{ start: 0, count: 128 }])
    expect(rowWindows(device, 'test', 129, [512])).toHaveLength(2)
    expect(() => rowWindows(device, 'test/kernel', 2, [65540])).toThrow(/test\/kernel: 64 row\(s\) of 65540 bytes/)
  })
})

test('shiftedRange begins at an allowed offset and ends with the last element', () => {
  const element = fc.integer({ min: 0, max: 100_000 })
  fc.assert(
    fc.property(element, element, fc.constantFrom(32, 256), (start, count, offsetAlignment) => {
      const { range, shift } = shiftedRange(deviceWith({ offsetAlignment }), buffer, { start, count }, 4)
      expect(range.offset % offsetAlignment).toBe(0)
      expect(shift).toBeLessThan(offsetAlignment / 4)
      expect(range.offset + shift * 4).toBe(start * 4)
      expect(range.offset + range.size).toBe((start + count) * 4)
    }),
  )
})
