/** Polling with back-off, with a stand-in for Dawn's event loop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { asynchronous } from '../../src/device/node/polling.js'

const original = globalThis.setImmediate

/** Like Dawn: schedules its next poll through the global `setImmediate` for as long as something is pending. */
class EventLoop {
  polls = 0
  readonly #pending: { resolve: () => void; isDone: () => boolean }[] = []

  start(isDone: () => boolean): Promise<void> {
    const promise = new Promise<void>((resolve) => this.#pending.push({ resolve, isDone }))
    if (this.#pending.length === 1) this.#schedule()
    return promise
  }

  #schedule(): void {
    globalThis.setImmediate(() => {
      this.polls++
      for (const work of this.#pending.filter(({ isDone }) => isDone())) {
        this.#pending.splice(this.#pending.indexOf(work), 1)
        work.resolve()
      }
      if (this.#pending.length > 0) this.#schedule()
    })
  }
}

test('polls quickly at first, then once a millisecond at most', async () => {
  const loop = new EventLoop()
  let done = false
  const started = performance.now()
  const result = asynchronous(() => loop.start(() => done))
  expect(globalThis.setImmediate).toBe(original)
  await sleep(50)
  expect(globalThis.setImmediate).toBe(original)
  done = true
  await result
  expect(loop.polls).toBeGreaterThan(64)
  expect(loop.polls).toBeLessThanOrEqual(64 + Math.ceil(performance.now() - started) + 1)
})

test('several calls at the same time share the polls, and each is answered', async () => {
  const loop = new EventLoop()
  const order: number[] = []
  const calls = [3, 1, 2].map((value) =>
    asynchronous(() => loop.start(() => loop.polls >= value * 100)).then(() => order.push(value)),
  )
  await Promise.all(calls)
  expect(order).toEqual([1, 2, 3])
  expect(globalThis.setImmediate).toBe(original)
})

test('gives the result, passes errors on, and leaves the global alone', async () => {
  await expect(asynchronous(() => Promise.resolve(7))).resolves.toBe(7)
  await expect(asynchronous(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost')
  const failing = () => {
    throw new Error('at once')
  }
  expect(() => asynchronous(failing)).toThrow('at once')
  expect(globalThis.setImmediate).toBe(original)
})
