/**
 * How the command tells what went wrong: one message for what users can mend, which is every error that Daybreak throws on
 * purpose and what the file system refuses; a trace for anything else.
 */
import { DaybreakError, OptionError } from '../device/errors.js'

/**
 * Prints an error to standard error and returns the exit code.
 *
 * @param flags what the command calls the options of the library, such as `batchSize` -> `--batch-size`
 */
export function reportError(error: unknown, flags: ReadonlyMap<string, string>): number {
  if (error instanceof DaybreakError || isSystemError(error)) {
    console.error(`daybreak: ${messageOf(error, flags)}`)
  } else {
    console.error(error)
    console.error('daybreak: this should not happen; please report it, with what "daybreak doctor" prints')
  }
  return 1
}

function messageOf(error: Error, flags: ReadonlyMap<string, string>): string {
  if (!(error instanceof OptionError)) return error.message
  const { option, message } = error
  return (flags.get(option) ?? option) + message.slice(option.length)
}

/** Whether the operating system refused something, such as a full disk: Node's error then names the call and the file. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}
