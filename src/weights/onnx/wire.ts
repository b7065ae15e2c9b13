/**
 * The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/), read from a file by ranges: a
 * field is known by where it lies, and what is long and not asked for is passed over without being read.
 */
import type { Reader } from 'protobufjs'
import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'

/** Bytes `begin` to `end` of the file. */
export interface Range {
  readonly begin: number
  readonly end: number
}

/** A field of a message; its range is that of its value, without tag and length. */
export interface Field extends Range {
  readonly number: number
  readonly wireType: number
}

const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const

/** Two varints, the tag and a length or a value. */
const longestHeader = 20
/** Fields are read from windows of this size: a tensor's header takes a hundred bytes, its data is passed over. */
const windowBytes = 8192

/** ResNet-152 has 25,000 fields and 300 KB of names and numbers; this bounds what a hostile file can make us keep. */
const mostFields = 250_000
const mostBytes = 4 * 1024 * 1024

const expected = 'a protocol buffer with an ONNX model'

/** A file of protobuf messages. All methods throw `WeightsError` where the bytes are not valid. */
export class ProtobufFile {
  readonly #createReader: (bytes: Uint8Array) => Reader
  #window = { begin: 0, bytes: new Uint8Array() }
  #fieldsLeft = mostFields
  #bytesLeft = mostBytes

  private constructor(
    readonly source: ByteSource,
    createReader: (bytes: Uint8Array) => Reader,
  ) {
    this.#createReader = createReader
  }

  static async open(source: ByteSource): Promise<ProtobufFile> {
    const { Reader } = (await import('protobufjs/minimal.js')).default
    return new ProtobufFile(source, (bytes) => Reader.create(bytes))
  }

  /** The fields of a message, in the order of the file. */
  async *fields({ begin, end }: Range): AsyncGenerator<Field, void> {
    for (let at = begin; at < end;) {
      if (this.#fieldsLeft-- === 0) this.#fail(`more than ${mostFields} fields`)
      const field = this.#parseField(await this.#bytes(at, Math.min(at + longestHeader, end)), at)
      if (field.end > end) {
        this.#fail(`a field of bytes ${field.begin} to ${field.end} in a message that ends at ${end}; it is truncated`)
      }
      yield field
      at = field.end
    }
  }

  /** A string. */
  async text(field: Field): Promise<string> {
    const bytes = await this.#value(field, wireTypes.lengthDelimited)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      return this.#fail(`a text that is not UTF-8 at byte ${field.begin}`)
    }
  }

  /** An integer; one beyond 2^53 is not exact, and no safe integer. */
  async integer(field: Field): Promise<number> {
    this.#checkType(field, wireTypes.varint)
    return (await this.integers(field))[0]!
  }

  /** The integers of a repeated field: one of them, or many where they are packed. */
  async integers(field: Field): Promise<number[]> {
    const { varint, lengthDelimited } = wireTypes
    const bytes = await this.#value(field, field.wireType === varint ? varint : lengthDelimited)
    const values: number[] = []
    this.varints(bytes, (low, high) => values.push(high * 2 ** 32 + (low >>> 0)))
    return values
  }

  /** A float32. */
  async float(field: Field): Promise<number> {
    const bytes = await this.#value(field, wireTypes.fixed32)
    return this.#createReader(bytes).float()
  }

  /** Visits all integers of variable length in `bytes`: the lower and the upper 32 bits of each, signed. */
  varints(bytes: Uint8Array, visit: (low: number, high: number) => void): void {
    const reader = this.#createReader(bytes)
    while (reader.pos < reader.len) {
      const { low, high } = this.#parse('an integer', () => reader.int64())
      visit(low, high)
    }
  }

  /** The range of a message in a field. */
  message(field: Field): Range {
    this.#checkType(field, wireTypes.lengthDelimited)
    return field
  }

  #parseField(header: Uint8Array, at: number): Field {
    return this.#parse(`a field at byte ${at}`, () => {
      const reader = this.#createReader(header)
      const tag = reader.tag()
      const number = tag >>> 3
      const wireType = tag & 7
      if (number === 0) this.#fail(`a field with the number 0 at byte ${at}`)
      const length = wireType === wireTypes.lengthDelimited ? reader.size() : { 1: 8, 5: 4 }[wireType]
      const begin = at + reader.pos
      if (length !== undefined) return { number, wireType, begin, end: begin + length }
      if (wireType !== wireTypes.varint) this.#fail(`a field of the unknown wire type ${wireType} at byte ${at}`)
      reader.int64()
      return { number, wireType, begin, end: at + reader.pos }
    })
  }

  async #value(field: Field, wireType: number): Promise<Uint8Array> {
    this.#checkType(field, wireType)
    this.#bytesLeft -= field.end - field.begin
    if (this.#bytesLeft < 0) this.#fail(`more than ${mostBytes} bytes of names and numbers`)
    return this.#bytes(field.begin, field.end)
  }

  #checkType({ begin, number, wireType }: Field, asked: number): void {
    if (wireType === asked) return
    this.#fail(`wire type ${wireType} instead of ${asked} for field ${number} at byte ${begin}`)
  }

  async #bytes(begin: number, end: number): Promise<Uint8Array> {
    const { source } = this
    const isInside = begin >= this.#window.begin && end <= this.#window.begin + this.#window.bytes.length
    if (!isInside) {
      this.#window = {
        begin,
        bytes: await source.read(begin, Math.min(Math.max(begin + windowBytes, end), source.size)),
      }
    }
    return this.#window.bytes.subarray(begin - this.#window.begin, end - this.#window.begin)
  }

  /** protobufjs throws errors of its own. */
  #parse<T>(what: string, parse: () => T): T {
    try {
      return parse()
    } catch (error) {
      if (error instanceof WeightsError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      return this.#fail(`bytes that are not ${what} (${reason}); the file is truncated or damaged`)
    }
  }

  #fail(found: string): never {
    throw new WeightsError(this.source.name, { expected, found })
  }
}
