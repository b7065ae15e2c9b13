/** The values that are read: text, truth, and tuples of integers that are not negative. */
export type PythonValue = string | boolean | readonly number[]

/** One `'key': value` and the comma behind it, which only the last one may do without. */
const item = /\s*'(\w+)'\s*:\s*(?:'([^'\\]*)'|(True|False)|\(([^()]*)\))\s*(?:,|$)\s*/y

/** `2, 3`, `3,` or nothing; Python 2 wrote `3L` for large integers. Not `3`: that in brackets is no tuple. */
const tuple = /^\s*(?:(?:(?:0|[1-9]\d*)L?\s*,\s*)+(?:(?:0|[1-9]\d*)L?\s*)?)?$/

/**
 * Parses the literal of a Python dict, such as `{'descr': '<f4', 'shape': (2, 3), }`. Nothing is evaluated.
 *
 * @returns the values by their keys, or undefined where the text is anything else, or has a key twice
 */
export function parsePythonDict(text: string): ReadonlyMap<string, PythonValue> | undefined {
  const trimmed = text.trim()
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return undefined
  const items = trimmed.slice(1, -1)
  const values = new Map<string, PythonValue>()
  for (let at = 0; at < items.length; at = item.lastIndex) {
    item.lastIndex = at
    const [, key, quoted, truth, sizes] = item.exec(items) ?? []
    const isTuple = sizes !== undefined && tuple.test(sizes)
    const value = isTuple ? integers(sizes) : (quoted ?? (truth === undefined ? undefined : truth === 'True'))
    if (key === undefined || value === undefined || values.has(key)) return undefined
    values.set(key, value)
  }
  return values
}

function integers(sizes: string): number[] {
  return (sizes.match(/\d+/g) ?? []).map(Number)
}
