const turns = new Map<string, Promise<unknown>>()

/**
 * Runs a task when those that were given earlier under the same key have ended, well or not.
 *
 * @param signal ends the wait, by its reason; `run` takes care of itself
 */
export async function inTurn<T>(key: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  const earlier = turns.get(key)
  const task = (async () => {
    await untilAborted(earlier, signal)
    return run()
  })()
  // A task that gave up waiting has ended before those that it waited for.
  const all = Promise.allSettled([earlier, task])
  turns.set(key, all)
  void all.then(() => {
    if (turns.get(key) === all) turns.delete(key)
  })
  return task
}

async function untilAborted(promise: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  if (promise === undefined) return
  let stop = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason as Error)
  })
  signal?.addEventListener('abort', stop)
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
