/** What the classes of a model are called, from a file. Node only. */
import { DataError } from '../device/errors.js'
import { readRegularFile } from './read-file.js'

/** Many times the names of ImageNet. */
const largestFile = 16 * 1024 * 1024

/**
 * Reads the names of classes: a JSON list of strings, or a text file with one name on a line.
 *
 * @returns the names in the order of the classes
 * @throws DataError where the file cannot be read, or is neither
 */
export async function readClassNames(file: string): Promise<string[]> {
  const text = decodeText(await readRegularFile(file, largestFile), file).replace(/^\uFEFF/, '')
  const names = /^\s*[[{]/.test(text) ? parseList(text, file) : parseLines(text)
  const empty = names.findIndex((name) => name.trim() === '')
  if (names.length === 0) throw new DataError(file, 'names of classes', 'none')
  if (empty >= 0) throw new DataError(file, 'a name for each class', `none for class ${empty}`)
  return names
}

function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new DataError(file, 'names of classes as UTF-8 text', 'other bytes')
  }
}

function parseList(text: string, file: string): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DataError(file, 'a JSON list of names', error instanceof Error ? error.message : String(error))
  }
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value
  throw new DataError(file, 'a JSON list of names', Array.isArray(value) ? 'a list of other things' : typeof value)
}

/** The end of the last line begins no other one. */
function parseLines(text: string): string[] {
  const lines = text.split(/\r?\n/)
  return lines.at(-1)?.trim() === '' ? lines.slice(0, -1) : lines
}
