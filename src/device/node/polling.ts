/**
 * Waiting for Dawn without burning a core.
 *
 * Dawn's Node binding drives its event loop from JavaScript: while anything asynchronous is pending it calls
 * `globalThis.setImmediate` again and again, which keeps one core busy. On a machine whose "GPU" is a software driver
 * that core is half of the GPU. So `setImmediate` is replaced by a version that backs off, but only while Dawn's own
 * code is on the stack: inside the function that starts the work, and inside each of Dawn's polls (which schedule the
 * next poll). Everybody else always sees Node's `setImmediate`.
 *
 * Dawn has one poll in flight per instance, however much work is pending. Several calls of `asynchronous` at the same
 * time therefore share one chain of polls, and each call restarts its quick phase. Work that somebody starts outside
 * of `asynchronous` is polled by Dawn at full speed, which is wasteful but correct.
 */

// Kept from before any test framework or application replaces them.
const setImmediateOfNode = globalThis.setImmediate
const setTimeoutOfNode = globalThis.setTimeout

/** So many polls follow each other at once, for results that are nearly there: about half a millisecond. */
const quickPolls = 64
const pollInterval = 1 // milliseconds between later polls

let pollsSinceStart = 0

/** Stands in for `setImmediate` while Dawn schedules its next poll. */
function schedulePoll(poll: (...parameters: unknown[]) => void, ...parameters: unknown[]): unknown {
  const run = () => {
    withBackOff(() => {
      poll(...parameters)
    })
  }
  pollsSinceStart++
  return pollsSinceStart <= quickPolls ? setImmediateOfNode(run) : setTimeoutOfNode(run, pollInterval)
}

function withBackOff<T>(dawnCode: () => T): T {
  const before = globalThis.setImmediate
  globalThis.setImmediate = schedulePoll as unknown as typeof setImmediate
  try {
    return dawnCode()
  } finally {
    globalThis.setImmediate = before
  }
}

/**
 * Calls a function that starts asynchronous WebGPU work, and polls with back-off until it settles. The WebGPU call
 * must happen inside of `start` and before its first `await`.
 */
export function asynchronous<T>(start: () => Promise<T>): Promise<T> {
  pollsSinceStart = 0
  return withBackOff(start)
}
