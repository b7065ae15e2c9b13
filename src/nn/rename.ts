import { OptionError } from '../device/errors.js'

/**
 * New names for tensors of a file, for checkpoints that call them otherwise than the model does:
 *
 * - a record from old to new names; an old name that ends in a dot stands for all names that begin with it
 *   (`{ 'backbone.': '', 'head.weight': 'fc.weight' }`), the longest that fits counts, others stay as they are,
 * - or a function from a name to the new one; `undefined` leaves the tensor out.
 */
export type Rename = Readonly<Record<string, string>> | ((name: string) => string | undefined)

/** Tensors under their new names, in the same order. Throws `OptionError` where two would have the same name. */
export function renamed<T>(tensors: ReadonlyMap<string, T>, rename: Rename | undefined): ReadonlyMap<string, T> {
  if (rename === undefined) return tensors
  const newName = typeof rename === 'function' ? rename : (name: string) => byTable(rename, name)
  const result = new Map<string, T>()
  const oldNames = new Map<string, string>()
  for (const [name, tensor] of tensors) {
    const to = newName(name)
    if (to === undefined) continue
    const other = oldNames.get(to)
    if (other !== undefined) {
      throw new OptionError('rename', `a name of its own for each tensor, and not one for "${other}" and "${name}"`, to)
    }
    oldNames.set(to, name)
    result.set(to, tensor)
  }
  return result
}

function byTable(table: Readonly<Record<string, string>>, name: string): string {
  if (Object.hasOwn(table, name)) return table[name]!
  const prefixes = Object.keys(table).filter((from) => from.endsWith('.') && name.startsWith(from))
  const longest = prefixes.reduce((best, from) => (from.length > best.length ? from : best), '')
  return longest === '' ? name : table[longest]! + name.slice(longest.length)
}
