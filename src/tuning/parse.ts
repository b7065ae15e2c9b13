/** Checks of JSON that may have been damaged, or written by somebody else. */
import { DataError } from '../device/errors.js'
import type { Method, ProblemKey } from './tunable.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws DataError where the text is no JSON */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DataError(source, 'JSON', (error as Error).message)
  }
}

/** The parts of a JSON document; each throws `DataError`, which names the place, where something else stands there. */
export class JsonReader {
  constructor(
    readonly source: string,
    readonly value: unknown,
    private readonly place = 'the document',
  ) {}

  fail(expected: string): never {
    const found = this.value === undefined ? 'nothing' : JSON.stringify(this.value)
    const shortened = found.length > 60 ? `${found.slice(0, 60)}...` : found
    throw new DataError(this.source, `${expected} at ${this.place}`, shortened)
  }

  get(name: string): JsonReader {
    return new JsonReader(this.source, Object.hasOwn(this.object(), name) ? this.object()[name] : undefined, name)
  }

  object(): JsonObject {
    const { value } = this
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as JsonObject)
      : this.fail('an object')
  }

  list(): readonly JsonReader[] {
    if (!Array.isArray(this.value)) return this.fail('a list')
    return this.value.map((item, i) => new JsonReader(this.source, item, `${this.place}[${i}]`))
  }

  text(): string {
    return typeof this.value === 'string' ? this.value : this.fail('text')
  }

  positive(): number {
    const { value } = this
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : this.fail('a number above 0')
  }

  date(): string {
    return Number.isNaN(Date.parse(this.text())) ? this.fail('a date') : this.text()
  }

  texts(): Readonly<Record<string, string>> {
    const entries = Object.entries(this.object())
    if (entries.some(([, item]) => typeof item !== 'string')) this.fail('an object of texts')
    return Object.fromEntries(entries) as Record<string, string>
  }

  method(): Method {
    return this.texts()
  }

  problemKey(): ProblemKey {
    return { family: this.get('family').text(), shape: this.get('shape').text(), batch: this.get('batch').positive() }
  }
}
