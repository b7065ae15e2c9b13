/** How the command tells what went wrong: one message for errors that Daybreak throws on purpose, a trace for others. */
import { DaybreakError } from '../device/errors.js'

/** Prints an error to standard error and returns the exit code. */
export function reportError(error: unknown): number {
  if (error instanceof DaybreakError) console.error(`daybreak: ${error.message}`)
  else console.error(error)
  return 1
}
