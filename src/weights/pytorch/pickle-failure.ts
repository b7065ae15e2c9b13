import { WeightsError } from '../../device/errors.js'
import { PickleEndedError, PickleSyntaxError } from './byte-reader.js'

/** A pickle has names and sizes only; that of a large network with its optimizer's state takes some MB. */
export const largestPickle = 64 * 1024 * 1024

/** What is wrong with a pickle, as a WeightsError. */
export function pickleFailure(error: unknown, file: string): unknown {
  if (error instanceof PickleEndedError) {
    return new WeightsError(file, { expected: 'a whole pickle', found: 'the end of it too early; it is truncated' })
  }
  if (!(error instanceof PickleSyntaxError)) return error
  return new WeightsError(file, { expected: 'a pickle of weights', found: error.message })
}
