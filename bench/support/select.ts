/** Which cases `--case NAME` means. */
import type { BenchmarkCase, BenchmarkSuite } from './case.js'

export interface SelectedCase {
  readonly family: string
  readonly benchmark: BenchmarkCase
}

/**
 * All cases, without names. A name means the case of that name, else the family of that name, else all cases with it in
 * their name. Throws an `Error` for a name that means nothing.
 */
export function selectCases(suites: readonly BenchmarkSuite[], names: readonly string[]): SelectedCase[] {
  const all = suites.flatMap(({ family, cases }) => cases.map((benchmark): SelectedCase => ({ family, benchmark })))
  if (names.length === 0) return all
  const selected = new Set(names.flatMap((name) => casesNamed(all, name)))
  return all.filter((candidate) => selected.has(candidate))
}

function casesNamed(all: readonly SelectedCase[], name: string): readonly SelectedCase[] {
  const exact = all.filter(({ benchmark }) => benchmark.name === name)
  if (exact.length > 0) return exact
  const family = all.filter((candidate) => candidate.family === name)
  if (family.length > 0) return family
  const containing = all.filter(({ benchmark }) => benchmark.name.includes(name))
  if (containing.length > 0) return containing
  throw new Error(`no benchmark is called "${name}"; there are ${all.map((one) => one.benchmark.name).join(', ')}`)
}
