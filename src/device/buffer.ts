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
   * @param memory where it lies
   * @param byteLength the bytes that were asked for, rounded up to 4
   * @param offset where this memory begins in `memory`, in bytes
   * @param half whether its elements are f16, of two bytes; what others are, only those know who use the buffer
   */
  constructor(
    readonly memory: BufferMemory,
    readonly byteLength: number,
    private readonly onRelease: (buffer: DeviceBuffer) => void,
    private readonly offset = 0,
    readonly half = false,
  ) {}

  /** The number of the physical buffer: equal numbers mean the same memory. */
  get id(): number {
    return this.memory.id
  }

  /** The physical buffer; it may be larger than `byteLength`. */
  get gpu(): GPUBuffer {
    return this.memory.gpu
  }

  /** Where this memory begins in the physical buffer, in bytes. */
  get gpuOffset(): number {
    return this.memory.offset + this.offset
  }

  /**
   * A part of this memory as a buffer of its own; all of it is kept until both are released. `offset` is a multiple of
   * the device's `minStorageBufferOffsetAlignment`, so that the part can be bound.
   */
  part(offset: number, byteLength: number): DeviceBuffer {
    if (offset < 0 || byteLength < 1 || offset + byteLength > this.byteLength) {
      throw new RangeError(`${byteLength} bytes at ${offset} of a buffer of ${this.byteLength} bytes`)
    }
    this.retain()
    return new DeviceBuffer(this.memory, byteLength, () => this.release(), this.offset + offset, this.half)
  }

  get references(): number {
    return this.#references
  }

  get released(): boolean {
    return this.#references === 0 || this.memory.abandoned === true
  }

  retain(): this {
    if (this.released) throw new Error('a released buffer cannot be retained')
    this.#references++
    return this
  }

  release(): void {
    if (this.#references === 0) throw new Error('a buffer was released twice')
    if (--this.#references > 0) return
    for (const { buffer } of this.#forms?.values() ?? []) buffer.release()
    this.#forms = undefined
    this.onRelease(this)
  }

  /**
   * Another form of the contents, such as a weight transformed for an algorithm. It is kept as long as this buffer is, and made
   * anew, in the same memory, when the contents have changed, or those of the `others` that it is made of as well.
   */
  packed({ name, others = [], allocate, pack }: FormDescription): DeviceBuffer {
    this.#forms ??= new Map()
    const sources = [this, ...others]
    let form = this.#forms.get(name)
    if (form && isMadeOf(form, sources)) return form.buffer
    if (form?.sources.length !== sources.length || form.sources.some((source, i) => source !== sources[i])) {
      form?.buffer.release()
      this.#forms.delete(name)
      form = { buffer: allocate(), sources, versions: [] }
      this.#forms.set(name, form)
    }
    pack(form.buffer)
    form.versions = sources.map(({ version }) => version)
    return form.buffer
  }
}

/** Where a buffer lies. */
export interface BufferMemory {
  readonly id: number
  readonly gpu: GPUBuffer
  /** In bytes. */
  readonly offset: number
  /** Set where there will never be any memory after all. */
  readonly abandoned?: boolean
}

/** How another form of a buffer's contents is made. */
export interface FormDescription {
  /** What tells this form from others of the same buffer. */
  readonly name: string
  /** Other buffers that the form is made of. */
  readonly others?: readonly DeviceBuffer[]
  /** Memory for the form. */
  readonly allocate: () => DeviceBuffer
  /** Makes the form in memory that `allocate` gave. */
  readonly pack: (into: DeviceBuffer) => void
}

interface PackedForm {
  readonly buffer: DeviceBuffer
  readonly sources: readonly DeviceBuffer[]
  /** Those of the contents which were packed. */
  versions: readonly number[]
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
