/** Which cases are compared. */
import { type ComparedCase, comparedCases } from '../support/compared.js'
import { selectCases } from '../support/select.js'

/** One of each kind, chosen so that all engines are done within minutes. */
const quickNames = ['mm512', 'c3_64_56_b1', 'rn50_fwd_32_b32', 'minivgg_train_28_b128']
/** What the first execution is interesting of: models are opened, and trained, from nothing. */
const coldNames = ['rn50_fwd_32_b32', 'rn50_trainl4_32_b32', 'rn50_train_32_b32', 'minivgg_train_28_b128']

/**
 * The cases that are meant by names (see `selectCases`; the kind of a case is its family). Without names it is all of them,
 * or those that the mode is about. Throws an `Error` for a name that means nothing.
 */
export function selectCompared(
  names: readonly string[],
  { quick = false, cold = false }: { quick?: boolean; cold?: boolean } = {},
): ComparedCase[] {
  const kinds = new Set(comparedCases.map(({ kind }) => kind))
  const families = [...kinds].map((family) => ({ family, cases: comparedCases.filter(({ kind }) => kind === family) }))
  const byMode = [...(quick ? [quickNames] : []), ...(cold ? [coldNames] : [])]
  const [first, second = first] = byMode
  const meant = names.length > 0 ? names : (first?.filter((name) => second!.includes(name)) ?? [])
  return selectCases(families, meant).map(({ benchmark }) => benchmark)
}
