/** Checks of layer options; sizes and paddings of windows are checked by the operations that take them. */
import { OptionError } from '../device/errors.js'

/** Throws an `OptionError` unless `value` is a positive integer; returns it. */
export function positiveInteger(option: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new OptionError(option, 'a positive integer', value)
  return value
}
