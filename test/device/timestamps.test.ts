/** Profiles: one time for each dispatch, where the adapter can measure. */
import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/device/errors.js'
import { noLabel } from '../../src/device/label.js'
import { openDevice } from '../../src/device/node.js'
import { TimestampRecorder } from '../../src/device/timestamps.js'
import { useEngine } from '../support/engine.js'
import { add, broken, firstOf, run, testProgram, zeros } from '../support/programs.js'
import { measures } from '../support/timestamps.js'

const holder = useEngine()
describe.runIf(measures)('profile', () => {
  test('gives the name and the time of every dispatch, in order, and of no other', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    const slow = testProgram('test/slow', 'for (var i = 0u; i < 1000000u; i++) { b0[0] += i ^ value; }')
    run(device, add(), [buffer])
    const times = await device.profile(() => {
      run(device, add(), [buffer])
      run(device, slow, [buffer])
      device.upload(buffer, Uint32Array.of(1))
      run(device, add(), [buffer])
    })
    run(device, add(), [buffer])
    expect(await firstOf(device, buffer)).toBe(3)
    expect(times.map(({ kernel }) => kernel)).toEqual(['test/add', 'test/slow', 'test/add'])
    for (const { milliseconds, start, end } of times) {
      expect(milliseconds).toBeGreaterThanOrEqual(0)
      expect(end - start).toBeCloseTo(milliseconds * 1e6, 0)
    }
    expect(times[0]!.start).toBe(0)
    for (const [i, { start }] of times.slice(1).entries()) expect(start).toBeGreaterThanOrEqual(times[i]!.start)
    expect(times[1]!.milliseconds).toBeGreaterThan(times[0]!.milliseconds)
    expect(times[1]!.milliseconds).toBeLessThan(60_000)
  })

  test('tells what a dispatch does and what it was recorded for', async () => {
    const { device } = holder.engine
    const [first, second] = [zeros(device, 1024), zeros(device, 300)]
    const both = testProgram('test/both', 'b1[0] = b0[0];', ['read', 'write'])
    const twice = testProgram('test/twice', 'b2[0] = b0[0] + b1[0];', ['read', 'read', 'write'])
    const label = { phase: 'forward', module: 'layer1.0' }
    const times = await device.profile(() => {
      run(device, both, [first, second], 1, 1234)
      device.label = label
      run(device, twice, [first, first, second])
      device.label = noLabel
    })
    expect(times).toMatchObject([
      { operations: 1234, bytes: 1324, workgroups: [1, 1, 1], label: { phase: '', module: '' } },
      { operations: 0, bytes: 1324, label },
    ])
  })

  test('has room for any number of dispatches', async () => {
    const { device } = holder.engine
    const [increment, buffer] = [add(), zeros(device)]
    const times = await device.profile(async () => {
      for (let i = 0; i < 2500; i++) run(device, increment, [buffer])
      expect(await firstOf(device, buffer)).toBe(2500)
    })
    expect(times).toHaveLength(2500)
  })

  test('ends when its function fails, and the next profile is not affected', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    const failing = device.profile(() => {
      run(device, add(), [buffer])
      throw new Error('mine')
    })
    await expect(failing).rejects.toThrow('mine')
    await expect(device.profile(() => run(device, broken(), [buffer]))).rejects.toThrow(/does not compile/)
    expect(await device.profile(() => run(device, add(), [buffer], 2))).toHaveLength(1)
    expect(await firstOf(device, buffer)).toBe(3)
  })
})

test('an adapter that cannot measure says so', async () => {
  const host = await openDevice()
  try {
    const device = { features: new Set() } as unknown as GPUDevice
    expect(() => new TimestampRecorder({ ...host, device }).start()).toThrow(OptionError)
  } finally {
    host.device.destroy()
  }
})
