/**
 * A piece of GPU memory with a reference count. Tensors, saved activations and parameters each hold one reference;
 * when the last one is released the memory goes back to the pool, and the next allocation of its size takes it over.
 *
 * Reuse needs no waiting: all commands run in the order in which they were recorded, so whoever takes the memory over
 * runs after everyone who used it before.
 */
export class DeviceBuffer {
  #references = 1
  /** Counts in-place writes, so that the tape notices when something it saved was changed. */
  version = 0
  #forms: Map<string, PackedForm> | undefined

  /**
   * @param id the number of the physical buffer: equal numbers mean the same memory
   * @param gpu the physical buffer; it may be larger than `byteLength`
   * @param byteLength the bytes that were asked for, rounded up to 4
   * @param gpuOffset where this memory begins in the physical buffer, in bytes
   * @param half whether its elements are f16, of two bytes; what others are, only those know who use the buffer
   */
  constructor(
    readonly id: number,
    readonly gpu: GPUBuffer,
    readonly byteLength: number,
    private readonly onRelease: (buffer: DeviceBuffer) => void,
    readonly gpuOffset = 0,
    readonly half = false,
  ) {}

  /**
   * A part of this memory as a buffer of its own; all of it is kept until both are released. `offset` is a multiple of
   * the device's `minStorageBufferOffsetAlignment`, so that the part can be bound.
   */
  part(offset: number, byteLength: number): DeviceBuffer {
    if (offset < 0 || byteLength < 1 || offset + byteLength > this.byteLength) {
      throw new RangeError(`${byteLength} bytes at ${offset} of a buffer of ${this.byteLength} bytes`)
    }
    this.retain()
    return new DeviceBuffer(this.id, this.gpu, byteLength, () => this.release(), this.gpuOffset + offset, this.half)
  }

  get references(): number {
    return this.#references
  }

  get released(): boolean {
    return this.#references === 0
  }

  retain(): this {
    if (this.released) throw new Error('a released buffer cannot be retained')
    this.#references++
    return this
  }

  release(): void {
    if (this.released) throw new Error('a buffer was released twice')
    if (--this.#references > 0) return
    for (const { buffer } of this.#forms?.values() ?? []) buffer.release()
    this.#forms = undefined
    this.onRelease(this)
  }

  /**
   * Another form of the contents, such as a weight transformed for an algorithm. It is kept as long as this buffer is, and made
   * anew by `pack` when the contents have changed, or those of the `others` that it is made of as well.
   */
  packed(name: string, pack: () => DeviceBuffer, others: readonly DeviceBuffer[] = []): DeviceBuffer {
    this.#forms ??= new Map()
    const sources = [this, ...others]
    const known = this.#forms.get(name)
    if (known && isMadeOf(known, sources)) return known.buffer
    this.#forms.delete(name)
    known?.buffer.release()
    const buffer = pack()
    this.#forms.set(name, { buffer, sources, versions: sources.map(({ version }) => version) })
    return buffer
  }
}

interface PackedForm {
  readonly buffer: DeviceBuffer
  readonly sources: readonly DeviceBuffer[]
  /** Those of the contents which were packed. */
  readonly versions: readonly number[]
}

function isMadeOf(form: PackedForm, sources: readonly DeviceBuffer[]): boolean {
  return (
    form.sources.length === sources.length &&
    sources.every((source, i) => source === form.sources[i] && source.version === form.versions[i])
  )
}

/** A part of a buffer, in bytes; `offset` is a multiple of the device's `minStorageBufferOffsetAlignment`. */
export interface BufferRange {
  readonly buffer: DeviceBuffer
  readonly offset: number
  readonly size: number
}

/** The whole buffer as a range. */
export function wholeBuffer(buffer: DeviceBuffer): BufferRange {
  return { buffer, offset: 0, size: buffer.byteLength }
}

/** The bytes in these ranges; what is given twice, as a binding that its kernel does not look at may be, counts once. */
export function bytesOf(ranges: readonly BufferRange[]): number {
  const places = new Map(
    ranges.map(({ buffer, offset, size }) => [`${buffer.id}:${buffer.gpuOffset + offset}:${size}`, size]),
  )
  return [...places.values()].reduce((sum, size) => sum + size, 0)
}
