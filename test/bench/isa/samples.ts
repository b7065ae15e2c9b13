import { readFileSync } from 'node:fs'
import path from 'node:path'

/** What the compiler printed for samples/inner-product.wgsl. */
export function sample(name: 'navi31-wave32' | 'navi21' | 'vega10'): string {
  return readFileSync(path.join(import.meta.dirname, 'samples', `${name}.txt`), 'utf8')
}
