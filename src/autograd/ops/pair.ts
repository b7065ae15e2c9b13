/** Options that are one number for height and width, or two: kernelSize, stride, padding, dilation, outputSize. */
import { OptionError } from '../../device/errors.js'

/** One number for both dimensions, or `[height, width]`. */
export type Pair = number | readonly [number, number]

/** Far beyond every image, and small enough that products of two stay exact in a kernel's 32-bit integers. */
const largest = 32767

/**
 * Resolves an option to `[height, width]`.
 *
 * @param operation the operation, such as `conv2d`, for errors
 * @param option the option's name, such as `padding`
 * @param minimum the smallest allowed number: 0 for a padding, 1 for everything else
 * @throws OptionError unless both numbers are integers from `minimum` to 32767
 */
export function pairOf(operation: string, option: string, value: Pair, minimum = 1): [number, number] {
  const pair: readonly unknown[] = Array.isArray(value) ? value : [value, value]
  const isAllowed = (length: unknown) =>
    Number.isInteger(length) && minimum <= Number(length) && Number(length) <= largest
  if (pair.length !== 2 || !pair.every(isAllowed)) {
    throw new OptionError(
      `${operation}: ${option}`,
      `an integer from ${minimum} to ${largest}, or a pair [height, width] of them`,
      Array.isArray(value) ? `[${value.join(', ')}]` : value,
    )
  }
  return [pair[0] as number, pair[1] as number]
}
