/** Ctrl-C: the first asks the run to stop after its step and to save, the second ends the process. */

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Under `npm start` and `npx` one Ctrl-C arrives twice, from the terminal and from npm, which passes it on. So close
 * together they count as one.
 */
const millisecondsOfOneInterrupt = 500

/**
 * Runs `body` with a signal that Ctrl-C (or a termination request) aborts.
 *
 * @param part what is still brought to its end
 */
export async function withInterrupt<T>(body: (signal: AbortSignal) => Promise<T>, part = 'this step'): Promise<T> {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  // The next signal then ends the process (shells report 130 for Ctrl-C), even while a driver keeps this thread busy.
  // `process.exit` could not: it waits for what the GPU has been given, minutes of work for a software driver.
  const unlisten = (): void => {
    for (const name of signals) process.off(name, stop)
  }
  const stop = (): void => {
    if (controller.signal.aborted) return
    controller.abort()
    const showCursor = process.stderr.isTTY ? '\x1b[?25h' : '' // the progress bar hides it
    process.stderr.write(`${showCursor}\nstopping after ${part}; once more to stop at once\n`)
    timer = setTimeout(unlisten, millisecondsOfOneInterrupt)
  }
  for (const name of signals) process.on(name, stop)
  try {
    return await body(controller.signal)
  } finally {
    clearTimeout(timer)
    unlisten()
  }
}
