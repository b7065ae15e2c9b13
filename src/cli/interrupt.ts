/** Ctrl-C: the first asks the run to stop after its step and to save, the second ends the process. */

/** Runs `body` with a signal that Ctrl-C (or a termination request) aborts. */
export async function withInterrupt<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
    process.stderr.write('\nstopping after this step; once more to stop at once\n')
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    return await body(controller.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
