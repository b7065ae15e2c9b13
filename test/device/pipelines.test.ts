/** Compilation: once for each program, and an error that shows where a kernel is wrong. */
import { describe, expect, test } from 'vitest'
import { ShaderError } from '../../src/device/errors.js'
import { openDevice } from '../../src/device/node.js'
import { PipelineCache } from '../../src/device/pipelines.js'
import { useEngine } from '../support/engine.js'
import { add, broken, firstOf, run, testProgram, zeros } from '../support/programs.js'

const holder = useEngine()

describe('a kernel that does not compile', () => {
  test('is an error with its name, the line and the numbered source', async () => {
    const { device } = holder.engine
    run(device, broken(), [zeros(device)])
    const error = await device.flush().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ShaderError)
    expect(error).toMatchObject({ kernel: 'test/broken', line: 4 })
    const { message, source } = error as ShaderError
    expect(source.split('\n')[3]).toBe('   4 | b0[0] = nonsense;')
    expect(message).toMatch(/^kernel test\/broken does not compile \(line 4\): .*nonsense/)
    expect(message).toContain(source)
  })

  test('is thrown once, to everybody who waits, and the device goes on', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    const { inUse } = device.memory()
    run(device, broken(), [buffer])
    const outcomes = await Promise.allSettled([device.read(buffer), device.flush(), device.read(buffer)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await device.idle()
    run(device, add(), [buffer], 5)
    expect(await firstOf(device, buffer)).toBe(5)
    expect(device.memory().inUse).toBe(inUse)
  })

  test('is an error each time it is used', async () => {
    const { device } = holder.engine
    const program = broken()
    for (let i = 0; i < 2; i++) {
      run(device, program, [zeros(device)])
      await expect(device.idle()).rejects.toThrow(ShaderError)
    }
  })

  test('does not take with it what was uploaded in the meantime', async () => {
    const { device } = holder.engine
    const [spoiled, other] = [zeros(device), zeros(device)]
    run(device, broken(), [spoiled])
    device.upload(other, Uint32Array.of(7))
    await expect(device.flush()).rejects.toThrow(ShaderError)
    expect(await firstOf(device, other)).toBe(7)
  })

  test('is a ShaderError too when there was no time to wait for it', async () => {
    const { device } = holder.engine
    const [program, buffer] = [broken(), zeros(device)]
    for (let i = 0; i < 5000; i++) run(device, program, [buffer])
    await expect(device.read(buffer)).rejects.toThrow(/test\/broken does not compile \(line 4\)/)
    await device.idle()
    expect(await firstOf(device, buffer)).toBe(0)
  })
})

describe('the cache', () => {
  test('compiles equal keys once, asynchronously or on the spot', async () => {
    const host = await openDevice()
    try {
      const cache = new PipelineCache(host, 8)
      let expanded = 0
      const program = testProgram('test/count', 'b0[0] = value;')
      const counted = { ...program, code: () => (expanded++, program.code()) }
      const entry = cache.get(counted)
      expect(entry.pipeline).toBeUndefined()
      expect(cache.get({ ...counted })).toBe(entry)
      await entry.ready
      expect(cache.finishNow(entry)).toBe(entry.pipeline)
      expect([expanded, cache.size]).toEqual([1, 1])

      const hurried = cache.get(add())
      const pipeline = cache.finishNow(hurried)
      await hurried.ready
      expect(hurried.pipeline).toBe(pipeline)
    } finally {
      host.device.destroy()
    }
  })
})
