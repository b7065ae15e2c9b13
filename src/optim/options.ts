/** The options of optimizers. */
import { OptionError } from '../device/errors.js'

/** The options that every optimizer has. */
export interface CommonOptions {
  /** The learning rate. */
  lr: number
}

/** Throws an `OptionError` unless `value` is a finite number that is not negative. */
export function checkNumber(option: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new OptionError(option, 'a number that is not negative', value)
  }
}

/** An option that is given as `undefined` is not given. */
export function withoutUndefined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
