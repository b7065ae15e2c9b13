/** What the kernels that draw random numbers have in common; see shaders/common/random.wgsl. */

import type { UniformValue } from '../kernel.js'

/** Which numbers are drawn: both are 32-bit unsigned integers. Equal ones give equal numbers. */
export interface RandomNumbers {
  readonly seed: UniformValue
  readonly stream: UniformValue
}

/** One call of the generator gives the random words of so many neighbouring elements. */
export const elementsPerBlock = 4
