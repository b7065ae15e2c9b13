/** What JSON.parse does not tell about a text from an untrusted file. */

export interface DuplicateKey {
  readonly key: string
  /** 1 for a key of the outermost object, 2 for one of an object in it, ... */
  readonly depth: number
}

/**
 * The first key that occurs twice in one object of a JSON text, or undefined. JSON.parse keeps the last one silently,
 * so that two programs may read two different things from one file. Time and memory are linear in the text.
 *
 * @param text valid JSON: pass it to JSON.parse first
 */
export function findDuplicateKey(text: string): DuplicateKey | undefined {
  const open: (Set<string> | undefined)[] = [] // keys seen in each open object, undefined for an array
  let keyMayFollow = false
  // not character by character: a header has tens of thousands of them, and is read before any code is hot
  const structural = /["{}[\],:]/g
  for (let match = structural.exec(text); match; match = structural.exec(text)) {
    switch (match[0]) {
      case '{':
        open.push(new Set())
        keyMayFollow = true
        break
      case '[':
        open.push(undefined)
        break
      case '}':
      case ']':
        open.pop()
        break
      case ',':
        keyMayFollow = true
        break
      case ':':
        keyMayFollow = false
        break
      case '"': {
        const end = endOfString(text, match.index)
        const keys = open.at(-1)
        if (keys !== undefined && keyMayFollow) {
          const key = JSON.parse(text.slice(match.index, end + 1)) as string // two spellings of a key are one key
          if (keys.has(key)) return { key, depth: open.length }
          keys.add(key)
        }
        structural.lastIndex = end + 1
      }
    }
  }
  return undefined
}

/** The index of the quotation mark that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return end
  }
}

/** A parsed JSON value for an error message: short whatever its size, and without recursion. */
export function describeJson(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) {
    const isShort = value.length <= 8 && value.every((item) => typeof item !== 'object' || item === null)
    return isShort ? `[${value.map(describeJson).join(', ')}]` : `a list of ${value.length} items`
  }
  if (typeof value === 'object' && value !== null) return 'an object'
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 60) : value)
}

/** Whether a parsed JSON value is an object, and neither a list nor null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
