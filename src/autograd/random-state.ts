/**
 * The state of the random numbers that kernels draw. The generator is counter-based: a kernel's numbers are a function
 * of the seed, a stream number and the element's index, so they do not depend on the order in which the GPU works.
 */
import { OptionError } from '../device/errors.js'

export interface RandomStream {
  readonly seed: number
  readonly stream: number
}

export class RandomState {
  #seed = 0
  #stream = 0

  constructor(seed: number) {
    this.reset(seed)
  }

  reset(seed: number): void {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new OptionError('seed', 'an integer from 0 to 4294967295', seed)
    }
    this.#seed = seed
    this.#stream = 0
  }

  /** Numbers for one use, such as one dropout call. Both values are 32-bit unsigned integers. */
  next(): RandomStream {
    this.#stream = (this.#stream + 1) >>> 0
    return { seed: this.#seed, stream: this.#stream }
  }

  /** Where the generator stands, for checkpoints. */
  get state(): RandomStream {
    return { seed: this.#seed, stream: this.#stream }
  }

  set state({ seed, stream }: RandomStream) {
    this.reset(seed)
    this.#stream = stream >>> 0
  }
}
