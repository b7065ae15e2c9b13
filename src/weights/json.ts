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
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
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
        const end = endOfString(text, at)
        const keys = open.at(-1)
        if (keys !== undefined && keyMayFollow) {
          const key = JSON.parse(text.slice(at, end + 1)) as string // two spellings of a key are one key
          if (keys.has(key)) return { key, depth: open.length }
          keys.add(key)
        }
        at = end
      }
    }
  }
  return undefined
}

/** The index of the quotation mark that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
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
