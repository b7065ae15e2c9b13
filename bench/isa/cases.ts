/** What is judged: the benchmarks of products and convolutions, and which of them where none is named. */
import conv2d from '../conv2d.js'
import matmul from '../matmul.js'
import type { BenchmarkCase } from '../support/case.js'
import { type SelectedCase, selectCases } from '../support/select.js'

const layers = ['c3_64_56', 'c3_128_28', 'c3_256_14', 'c3_512_7', 'c1_64_256_56', 'c1_1024_2048_s2', 'c7s2']

/** Products, and layers of ResNet-50 with a batch of 8, forward and backward. */
export const defaultCases: string[] = [
  'mm1024',
  'mm512',
  ...layers.flatMap((layer) => [`${layer}_b8`, `${layer}_b8_backward`]),
]

/** In the order of the names. Throws an `Error` for a name that means nothing. */
export function casesNamed(names: readonly string[]): SelectedCase<BenchmarkCase>[] {
  return names.flatMap((name) => selectCases([matmul, conv2d], [name]))
}
