/** Mistakes in data that only the GPU sees: they reach the next read, once, described. */
import { describe, expect, test } from 'vitest'
import type { DeviceBuffer } from '../../src/device/buffer.js'
import { DataError } from '../../src/device/errors.js'
import { faultBytes, FaultLog } from '../../src/device/faults.js'
import { useEngine } from '../support/engine.js'
import { firstOf, run, testProgram, zeros } from '../support/programs.js'

const holder = useEngine()
const noBuffer = undefined as unknown as DeviceBuffer
const labels = { source: 'test', expected: 'a label below 10', describe: (position: number) => `one at ${position}` }

describe('the log', () => {
  test('has one slot for equal checks, and finds the check that failed', () => {
    const log = new FaultLog(noBuffer)
    expect(log.inUse).toBe(false)
    const other = { ...labels, expected: 'something else' }
    expect([log.slot(labels), log.slot(other), log.slot({ ...labels })]).toEqual([0, 1, 0])
    expect(log.inUse).toBe(true)
    const contents = new Uint32Array(faultBytes / 4)
    expect(log.error(contents)).toBeUndefined()
    contents[1] = 5 // position 4, plus one
    expect(log.error(contents)?.message).toBe('test: expected something else, found one at 4')
  })

  test('never leaves the buffer, however many checks there are', () => {
    const log = new FaultLog(noBuffer)
    const slots = Array.from({ length: 400 }, (_, i) => log.slot({ ...labels, expected: String(i) }))
    expect(Math.max(...slots)).toBe(faultBytes / 4 - 1)
  })
})

test('a fault is thrown by the next read and forgotten', async () => {
  const { device } = holder.engine
  const values = zeros(device)
  const { buffer, slot } = device.fault(labels)
  const check = testProgram('test/check', `if (b0[0] >= 10u) { b1[value] = 43u; }`, ['read', 'write'])
  run(device, check, [values, buffer], slot)
  expect(await firstOf(device, values)).toBe(0)

  device.upload(values, Uint32Array.of(11))
  run(device, check, [values, buffer], slot)
  await device.idle() // only reads look
  const error = await device.read(values).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DataError)
  expect(error).toMatchObject({ source: 'test', expected: 'a label below 10', found: 'one at 42' })
  expect(await firstOf(device, values)).toBe(11)
})
