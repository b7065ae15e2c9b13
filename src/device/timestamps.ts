/**
 * GPU times per kernel. While a profile is being taken every dispatch gets a compute pass of its own with a timestamp at
 * its beginning and end, which costs a little: profiled steps are slower than others, their kernel times are right.
 */
import { OptionError } from './errors.js'
import type { DeviceHost } from './host.js'
import { GPUBufferUsageFlags } from './pool.js'

/** One dispatch: the kernel's name and its time on the GPU in milliseconds. */
export interface KernelTime {
  kernel: string
  milliseconds: number
}

const queriesPerBatch = 4096

export class TimestampRecorder {
  #enabled = false
  #names: string[] = []
  #times: Promise<KernelTime[]>[] = []
  #querySet: GPUQuerySet | undefined

  constructor(private readonly host: DeviceHost) {}

  get enabled(): boolean {
    return this.#enabled
  }

  /** How many dispatches still fit before `resolve` has to be called. */
  get room(): number {
    return queriesPerBatch / 2 - this.#names.length
  }

  start(): void {
    if (!this.host.device.features.has('timestamp-query')) {
      throw new OptionError('profile', 'an adapter with the feature timestamp-query', this.host.adapter.name)
    }
    this.#enabled = true
  }

  /** The timestamps of the next pass. */
  next(kernel: string): GPUComputePassTimestampWrites {
    this.#querySet ??= this.host.device.createQuerySet({ type: 'timestamp', count: queriesPerBatch })
    const index = this.#names.push(kernel) - 1
    return {
      querySet: this.#querySet,
      beginningOfPassWriteIndex: index * 2,
      endOfPassWriteIndex: index * 2 + 1,
    }
  }

  /** Ends a batch: `encoder` is about to be submitted; the returned function must be called right after. */
  resolve(encoder: GPUCommandEncoder): (() => void) | undefined {
    if (this.#names.length === 0 || !this.#querySet) return undefined
    const names = this.#names
    this.#names = []
    const { device } = this.host
    const bytes = names.length * 16
    const resolved = device.createBuffer({
      size: bytes,
      usage: GPUBufferUsageFlags.queryResolve | GPUBufferUsageFlags.copySource,
    })
    const readable = device.createBuffer({
      size: bytes,
      usage: GPUBufferUsageFlags.mapRead | GPUBufferUsageFlags.copyDestination,
    })
    encoder.resolveQuerySet(this.#querySet, 0, names.length * 2, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, bytes)
    return () => {
      const times = this.host
        .asynchronous(() => readable.mapAsync(1))
        .then(() => {
          const nanoseconds = new BigUint64Array(readable.getMappedRange())
          return names.map((kernel, i) => ({
            kernel,
            milliseconds: Number(nanoseconds[i * 2 + 1]! - nanoseconds[i * 2]!) / 1e6,
          }))
        })
        .finally(() => {
          resolved.destroy()
          readable.destroy()
        })
      times.catch(() => undefined) // reported by stop()
      this.#times.push(times)
    }
  }

  /** Ends the profile; every command must have been submitted before. */
  async stop(): Promise<KernelTime[]> {
    this.#enabled = false
    const times = this.#times
    this.#times = []
    return (await Promise.all(times)).flat()
  }
}
