/**
 * The buffer pool. Sizes are rounded up to buckets (eight per power of two, so at most an eighth is wasted); a released
 * buffer waits in its bucket for the next allocation. A training loop that repeats itself therefore reaches a
 * constant amount of reserved memory after its first steps.
 */
import { type BufferMemory, DeviceBuffer } from './buffer.js'
import { OutOfMemoryError } from './errors.js'

interface PhysicalBuffer extends BufferMemory {
  readonly capacity: number
  /** The GPU had no memory for it after all. */
  missing?: boolean
}

/** All sizes in bytes. `inUse` is what tensors hold, `reserved` what the GPU has given, `peak` the largest `inUse`. */
export interface MemoryReport {
  inUse: number
  reserved: number
  peak: number
  buffers: number
  limit: number
}

export interface PoolOptions {
  /** At most this many bytes are reserved; unlimited by default. */
  memoryLimit?: number
  /** The largest buffer that the device allows, in bytes. */
  maxBufferSize: number
  /** Called before unused buffers are destroyed: recorded commands may still name them. */
  beforeDestroy: () => void
  /** Called after memory was asked for; `check` asks whether the GPU had it, `discard` must be called if it had not. */
  onCreated: (check: () => Promise<GPUError | null>, bytes: number, discard: () => void) => void
  onDestroyed: (id: number) => void
}

const minimumBucket = 256

/** The bucket that holds `bytes`: a multiple of an eighth of the power of two below it. */
export function bucketSize(bytes: number): number {
  if (bytes <= minimumBucket) return minimumBucket
  const step = Math.max(minimumBucket, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3))
  return Math.ceil(bytes / step) * step
}

export class BufferPool {
  readonly #free = new Map<number, PhysicalBuffer[]>()
  readonly #limit: number
  readonly #maxBufferSize: number
  #nextId = 1
  #inUse = 0
  #reserved = 0
  #peak = 0
  #buffers = 0

  constructor(
    private readonly gpu: GPUDevice,
    private readonly options: PoolOptions,
  ) {
    this.#limit = options.memoryLimit ?? Infinity
    this.#maxBufferSize = options.maxBufferSize
  }

  /** Memory for `bytes` bytes with undefined contents. Throws `OutOfMemoryError` when it exceeds a known limit. */
  allocate(bytes: number, half = false): DeviceBuffer {
    const byteLength = this.byteLengthFor(bytes)
    const capacity = Math.min(bucketSize(byteLength), Math.floor(this.#maxBufferSize / 4) * 4)
    const physical = this.#free.get(capacity)?.pop() ?? this.#create(capacity)
    const takeBack = () => this.#bucket(physical.capacity).push(physical)
    return this.#handOut(physical, byteLength, takeBack, half)
  }

  /** Memory of exactly so many bytes, which goes back to the GPU when it is released. Throws `OutOfMemoryError`. */
  reserve(bytes: number): DeviceBuffer {
    const byteLength = this.byteLengthFor(bytes)
    const physical = this.#create(byteLength)
    return this.#handOut(physical, byteLength, () => {
      this.options.beforeDestroy()
      this.#destroy(physical)
      this.gpu.queue.submit([])
    })
  }

  /** So many bytes, rounded up to what a buffer has. Throws `OutOfMemoryError` when no buffer of the device is that large. */
  byteLengthFor(bytes: number): number {
    const byteLength = Math.max(4, Math.ceil(bytes / 4) * 4)
    if (byteLength > this.#maxBufferSize) throw new OutOfMemoryError(byteLength, this.#inUse, this.#maxBufferSize)
    return byteLength
  }

  report(): MemoryReport {
    return {
      inUse: this.#inUse,
      reserved: this.#reserved,
      peak: this.#peak,
      buffers: this.#buffers,
      limit: this.#limit,
    }
  }

  /** Gives all memory that nobody holds back to the GPU. */
  trim(): void {
    if (![...this.#free.values()].some((bucket) => bucket.length > 0)) return
    this.options.beforeDestroy()
    for (const bucket of this.#free.values()) {
      for (const physical of bucket.splice(0)) {
        this.#destroy(physical)
      }
    }
    this.gpu.queue.submit([]) // Dawn frees destroyed buffers only when the queue advances
  }

  /** @param takeBack what becomes of memory that was released */
  #handOut(physical: PhysicalBuffer, byteLength: number, takeBack: () => void, half = false): DeviceBuffer {
    this.#inUse += physical.capacity
    this.#peak = Math.max(this.#peak, this.#inUse)
    const onRelease = () => {
      this.#inUse -= physical.capacity
      if (!physical.missing) takeBack()
    }
    return new DeviceBuffer(physical, byteLength, onRelease, 0, half)
  }

  #bucket(capacity: number): PhysicalBuffer[] {
    let bucket = this.#free.get(capacity)
    if (!bucket) this.#free.set(capacity, (bucket = []))
    return bucket
  }

  #create(capacity: number): PhysicalBuffer {
    if (this.#reserved + capacity > this.#limit) this.trim()
    if (this.#reserved + capacity > this.#limit) throw new OutOfMemoryError(capacity, this.#inUse, this.#limit)
    this.gpu.pushErrorScope('out-of-memory')
    const gpu = this.gpu.createBuffer({
      size: capacity,
      usage: GPUBufferUsageFlags.storage | GPUBufferUsageFlags.copySource | GPUBufferUsageFlags.copyDestination,
    })
    const physical: PhysicalBuffer = { id: this.#nextId++, gpu, offset: 0, capacity }
    this.#reserved += capacity
    this.#buffers++
    this.options.onCreated(
      () => this.gpu.popErrorScope(),
      capacity,
      () => {
        this.#discard(physical)
      },
    )
    return physical
  }

  /** A buffer without memory must not be handed out again, whether or not somebody holds it now. */
  #discard(physical: PhysicalBuffer): void {
    physical.missing = true
    const bucket = this.#bucket(physical.capacity)
    if (bucket.includes(physical)) bucket.splice(bucket.indexOf(physical), 1)
    this.#destroy(physical)
  }

  #destroy(physical: PhysicalBuffer): void {
    physical.gpu.destroy()
    this.#reserved -= physical.capacity
    this.#buffers--
    this.options.onDestroyed(physical.id)
  }
}

/** WebGPU's usage bits; Node has no global `GPUBufferUsage` unless somebody installs it. */
export const GPUBufferUsageFlags = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyDestination: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const
