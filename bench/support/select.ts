/** Which cases `--case NAME` means. */

interface Named {
  readonly name: string
}

/** Cases of one family, which names may mean as a whole. */
export interface Family<T extends Named> {
  readonly family: string
  readonly cases: readonly T[]
}

export interface SelectedCase<T extends Named> {
  readonly family: string
  readonly benchmark: T
}

/**
 * All cases, without names. A name means the case of that name, else the family of that name, else all cases with it in
 * their name. Throws an `Error` for a name that means nothing.
 */
export function selectCases<T extends Named>(
  families: readonly Family<T>[],
  names: readonly string[],
): SelectedCase<T>[] {
  const all = families.flatMap(({ family, cases }) => cases.map((benchmark) => ({ family, benchmark })))
  if (names.length === 0) return all
  const selected = new Set(names.flatMap((name) => casesNamed(all, name)))
  return all.filter((candidate) => selected.has(candidate))
}

function casesNamed<T extends Named>(all: readonly SelectedCase<T>[], name: string): readonly SelectedCase<T>[] {
  const exact = all.filter(({ benchmark }) => benchmark.name === name)
  if (exact.length > 0) return exact
  const family = all.filter((candidate) => candidate.family === name)
  if (family.length > 0) return family
  const containing = all.filter(({ benchmark }) => benchmark.name.includes(name))
  if (containing.length > 0) return containing
  throw new Error(`no benchmark is called "${name}"; there are ${all.map((one) => one.benchmark.name).join(', ')}`)
}
