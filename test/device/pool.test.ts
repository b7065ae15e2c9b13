/** The buffer pool: sizes, reuse, limits, and memory that turns out not to be there. */
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { OutOfMemoryError } from '../../src/device/errors.js'
import { BufferPool, bucketSize } from '../../src/device/pool.js'

describe('bucketSize', () => {
  const bytes = fc.integer({ min: 1, max: 2 ** 33 })

  test('holds what was asked for and wastes at most an eighth', () => {
    fc.assert(
      fc.property(bytes, (asked) => {
        const size = bucketSize(asked)
        expect(size).toBeGreaterThanOrEqual(asked)
        expect(size % 256).toBe(0)
        expect(size - asked).toBeLessThan(Math.max(256, asked / 8))
      }),
    )
  })

  test('grows with what was asked for, and a bucket is its own bucket', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(bucketSize(Math.min(a, b))).toBeLessThanOrEqual(bucketSize(Math.max(a, b)))
        expect(bucketSize(bucketSize(a))).toBe(bucketSize(a))
      }),
    )
  })

  test('has eight sizes per power of two', () => {
    const sizes = new Set(Array.from({ length: 2 ** 14 }, (_, i) => bucketSize(2 ** 14 + i + 1)))
    expect(sizes.size).toBe(8)
  })
})

/** A pool on a GPU that only counts, and whose answers are given by hand. */
function makePool(options: { memoryLimit?: number; maxBufferSize?: number } = {}) {
  const destroyed: string[] = []
  const discards: (() => void)[] = []
  const beforeDestroy = vi.fn()
  let made = 0
  const gpu = {
    pushErrorScope: () => undefined,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: () => {
      const name = `buffer ${++made}`
      return { name, destroy: () => destroyed.push(name) }
    },
    queue: { submit: () => undefined },
  }
  const pool = new BufferPool(gpu as unknown as GPUDevice, {
    maxBufferSize: 2 ** 20,
    ...options,
    beforeDestroy,
    onCreated: (_check, _bytes, discard) => discards.push(discard),
    onDestroyed: () => undefined,
  })
  return { pool, destroyed, discards, beforeDestroy }
}

describe('the pool', () => {
  test('hands out released memory of the same bucket again', () => {
    const { pool } = makePool()
    const first = pool.allocate(1000)
    first.release()
    expect(pool.allocate(900).id).toBe(first.id)
    expect(pool.allocate(900).id).not.toBe(first.id)
    expect(pool.report()).toMatchObject({ inUse: 2048, reserved: 2048, peak: 2048, buffers: 2 })
  })

  test('memory with two owners waits for both', () => {
    const { pool } = makePool()
    const buffer = pool.allocate(1000).retain()
    buffer.release()
    expect(pool.report().inUse).toBe(1024)
    buffer.release()
    expect(pool.report()).toMatchObject({ inUse: 0, reserved: 1024, peak: 1024 })
  })

  test('is flat over any loop that repeats itself', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1 }), (sizes) => {
        const { pool } = makePool()
        const step = () => {
          for (const buffer of sizes.map((size) => pool.allocate(size))) buffer.release()
        }
        step()
        const before = pool.report()
        step()
        step()
        expect(pool.report()).toEqual(before)
        expect(before.inUse).toBe(0)
      }),
    )
  })

  test('gives unused memory back before it breaks the limit, after the commands that use it were submitted', () => {
    const { pool, destroyed, beforeDestroy } = makePool({ memoryLimit: 4096 })
    pool.allocate(2048).release()
    const held = pool.allocate(1024)
    pool.allocate(1792)
    expect(destroyed).toEqual(['buffer 1'])
    expect(beforeDestroy).toHaveBeenCalledOnce()
    expect(pool.report()).toMatchObject({ reserved: 1024 + 1792, buffers: 2 })
    held.release()
  })

  test('reserves exactly what was asked for, and gives it back to the GPU', () => {
    const { pool, destroyed, beforeDestroy } = makePool({ memoryLimit: 3500 })
    pool.allocate(1024).release()
    const buffer = pool.reserve(3001)
    expect(buffer.byteLength).toBe(3004)
    expect(pool.report()).toMatchObject({ inUse: 3004, reserved: 3004 }) // what nobody held made room
    expect(() => pool.reserve(2000)).toThrow(OutOfMemoryError)
    buffer.release()
    expect(destroyed).toEqual(['buffer 1', 'buffer 2'])
    expect(beforeDestroy).toHaveBeenCalled()
    expect(pool.report()).toMatchObject({ inUse: 0, reserved: 0, buffers: 0 })
  })

  test('throws when the limit, or the largest buffer, is too small, and stays as it is', () => {
    const { pool } = makePool({ memoryLimit: 4096, maxBufferSize: 2048 })
    pool.allocate(2048)
    const before = pool.report()
    expect(() => pool.allocate(2049)).toThrow(OutOfMemoryError)
    expect(() => pool.allocate(4096)).toThrow(/needs 4.00 KiB, 2.00 KiB are in use, the limit is 2.00 KiB/)
    pool.allocate(1024)
    expect(() => pool.allocate(1100)).toThrow(
      expect.objectContaining({ asked: 1280, inUse: 3072, limit: 4096 }) as Error,
    )
    expect(pool.report()).toMatchObject({ ...before, inUse: 3072, reserved: 3072, peak: 3072, buffers: 2 })
  })

  test.each([true, false])('never hands out again what the GPU had no memory for (released before: %s)', (early) => {
    const { pool, discards, destroyed } = makePool()
    const buffer = pool.allocate(1000)
    if (early) buffer.release()
    discards[0]!()
    if (!early) buffer.release()
    expect(destroyed).toEqual(['buffer 1'])
    expect(pool.report()).toMatchObject({ inUse: 0, reserved: 0, buffers: 0 })
    expect(pool.allocate(1000).id).not.toBe(buffer.id)
  })
})

describe('an engine', () => {
  test('that may reserve little throws, and has room again when tensors are gone', async () => {
    const engine = await createEngine({ memoryLimit: 10_000 })
    try {
      const tensor = engine.full([2000], 1)
      expect(() => engine.full([1000], 2)).toThrow(OutOfMemoryError)
      tensor.handle.release('the test')
      const second = engine.full([1500], 2)
      expect((await second.toArray())[1499]).toBe(2)
      expect(engine.memory().reserved).toBeLessThanOrEqual(10_000)
    } finally {
      engine.destroy()
    }
  })

  test('throws for a buffer that the adapter never allows', async () => {
    const engine = await createEngine({
      requiredLimits: { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 },
    })
    try {
      const error = (() => {
        try {
          return engine.empty([2 ** 20])
        } catch (thrown) {
          return thrown
        }
      })()
      expect(error).toBeInstanceOf(OutOfMemoryError)
      expect(error).toMatchObject({ asked: 2 ** 22, limit: 2 ** 20 })
      expect((await engine.full([2 ** 18], 3).toArray())[2 ** 18 - 1]).toBe(3) // the largest can also be read
    } finally {
      engine.destroy()
    }
  })
})
