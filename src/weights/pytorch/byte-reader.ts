/** A pickle ends before its STOP: more of the file may have to be read, or it is truncated. */
export class PickleEndedError extends Error {}

/** A pickle is not valid, or more than a file of weights needs. */
export class PickleSyntaxError extends Error {}

/** Lines hold names and numbers; no honest one is longer. */
const longestLine = 64 * 1024

/** Reads the arguments of a pickle's operations. Throws `PickleEndedError` where there are no more bytes. */
export class ByteReader {
  readonly #view: DataView
  at: number

  constructor(
    readonly bytes: Uint8Array,
    begin: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = begin
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  /** Big-endian, unlike the others. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8), false)
  }

  /** A length of eight bytes. */
  length(): number {
    const length = this.#view.getBigUint64(this.#take(8), true)
    return length > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(length)
  }

  /** A view on the next bytes. */
  view(length: number): Uint8Array {
    const begin = this.#take(length)
    return this.bytes.subarray(begin, begin + length)
  }

  text(length: number): string {
    const text = decodeText(this.view(length))
    if (text === undefined) throw new PickleSyntaxError('text that is not UTF-8')
    return text
  }

  /** Text, or the bytes where they are none. */
  textOrBytes(length: number): string | Uint8Array {
    const bytes = this.view(length)
    return decodeText(bytes) ?? bytes
  }

  /** The text up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0 && this.bytes.length - this.at <= longestLine) throw new PickleEndedError()
    if (end < 0 || end - this.at > longestLine) throw new PickleSyntaxError(`a line of more than ${longestLine} bytes`)
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  #take(length: number): number {
    const begin = this.at
    if (begin + length > this.bytes.length) throw new PickleEndedError()
    this.at = begin + length
    return begin
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Python writes lone surrogates, which are not UTF-8, in a way of its own; names of weights have none. */
function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
