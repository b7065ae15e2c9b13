import { OptionError } from '../device/errors.js'

/**
 * Random 32-bit integers from a seed: Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Integer arithmetic only, so that every platform gives the
 * same numbers, and a stream begins anywhere without computing what is before it.
 */
export class RandomStream {
  readonly #key: readonly [number, number]
  readonly #stream: readonly [number, number]
  #block = 0
  #words: readonly number[] = []
  #used = 0

  /**
   * @param seed an integer from 0 to 2^53 - 1
   * @param stream which of the seed's independent streams, from 0 to 2^53 - 1; for shuffling, the epoch
   * @throws OptionError where one of them is not such an integer
   */
  constructor(seed: number, stream = 0) {
    this.#key = splitWords('seed', seed)
    this.#stream = splitWords('stream', stream)
  }

  /** The next integer from 0 to 2^32 - 1. A stream has 2^34 of them. */
  next(): number {
    if (this.#used === this.#words.length) {
      this.#words = philox4x32([this.#block++, 0, ...this.#stream], this.#key)
      this.#used = 0
    }
    return this.#words[this.#used++]!
  }

  /** An integer from 0 to `bound - 1`, each as likely as the others; `bound` is from 1 to 2^32. */
  below(bound: number): number {
    // The largest multiple of bound: numbers from there on would favour small remainders, and are drawn again.
    const end = 0x1_0000_0000 - (0x1_0000_0000 % bound)
    let value = this.next()
    while (value >= end) value = this.next()
    return value % bound
  }
}

/**
 * The integers 0..length-1 in an order that (length, seed, epoch) decide, the same on every platform: the
 * Fisher-Yates shuffle (Durstenfeld, Algorithm 235, CACM 1964) with `RandomStream`'s numbers.
 *
 * @param length from 0 to 2^32 - 1
 * @param seed an integer from 0 to 2^53 - 1
 * @param epoch an integer from 0 to 2^53 - 1
 * @throws OptionError where one of them is not such an integer
 */
export function permutation(length: number, seed: number, epoch: number): Uint32Array {
  if (!Number.isInteger(length) || length < 0 || length > 0xffff_ffff) {
    throw new OptionError('length', 'an integer from 0 to 2^32 - 1', length)
  }
  checkWhole('epoch', epoch)
  const random = new RandomStream(seed, epoch)
  const order = Uint32Array.from({ length }, (_, index) => index)
  for (let last = length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = order[last]!
    order[last] = order[other]!
    order[other] = kept
  }
  return order
}

type Words = readonly [number, number, number, number]

/** One block of Philox4x32 with 10 rounds: four random words from a counter of four words and a key of two. */
export function philox4x32(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c0)
    const [high1, low1] = multiply(0xcd9e8d57, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [c0, c1, c2, c3]
}

/** The 64-bit product of two 32-bit integers as [high, low]; every intermediate value is an exact double. */
function multiply(a: number, b: number): [high: number, low: number] {
  const productLow = (a & 0xffff) * b // below 2^48
  const productHigh = (a >>> 16) * b + Math.floor(productLow / 0x10000) // below 2^49, in units of 2^16
  return [Math.floor(productHigh / 0x10000), Math.imul(a, b) >>> 0]
}

function splitWords(option: string, value: number): [low: number, high: number] {
  checkWhole(option, value)
  return [value % 0x1_0000_0000, Math.floor(value / 0x1_0000_0000)]
}

function checkWhole(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new OptionError(option, 'an integer from 0 to 2^53 - 1', value)
  }
}
