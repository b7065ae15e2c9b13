/** Ctrl-C: the first asks the run to stop after its step and to save, the second ends the process. */

/**
 * Under `npm start` and `npx` one Ctrl-C arrives twice, from the terminal and from npm, which passes it on. So close
 * together they count as one.
 */
const millisecondsOfOneInterrupt = 500

/** What a process exits with that Ctrl-C ended: 128 + SIGINT. */
const interruptedExitCode = 130

/** Runs `body` with a signal that Ctrl-C (or a termination request) aborts. */
export async function withInterrupt<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let first = 0
  const stop = (): void => {
    if (controller.signal.aborted) {
      if (performance.now() - first > millisecondsOfOneInterrupt) process.exit(interruptedExitCode)
      return
    }
    first = performance.now()
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
