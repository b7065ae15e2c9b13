/**
 * GPU times per kernel. While a profile is being taken every dispatch gets a compute pass of its own with a timestamp at
 * its beginning and end, which costs a little: profiled steps are slower than others, their kernel times are right.
 */
import { OptionError } from './errors.js'
import type { DeviceHost } from './host.js'
import type { DispatchLabel } from './label.js'
import { GPUBufferUsageFlags } from './pool.js'
import type { Workgroups } from './program.js'

/** What is known of a dispatch before it runs. */
export interface MeasuredDispatch {
  /** The kernel's name, such as `conv2d/forward`. */
  readonly kernel: string
  readonly label: DispatchLabel
  /** Its arithmetic operations, as the kernel counts them. */
  readonly operations: number
  /** What it binds, each byte once: it reads and writes about as much, if nothing comes from caches twice. */
  readonly bytes: number
  readonly workgroups: Workgroups
}

/** One dispatch of a profile. */
export interface KernelTime extends MeasuredDispatch {
  readonly milliseconds: number
  /** When it began and ended on the GPU's clock, in nanoseconds since the first dispatch of the profile began. */
  readonly start: number
  readonly end: number
}

interface Reading {
  readonly dispatch: MeasuredDispatch
  readonly start: bigint
  readonly end: bigint
}

const queriesPerBatch = 4096

export class TimestampRecorder {
  #enabled = false
  #dispatches: MeasuredDispatch[] = []
  #readings: Promise<Reading[]>[] = []
  #querySet: GPUQuerySet | undefined

  constructor(private readonly host: DeviceHost) {}

  get enabled(): boolean {
    return this.#enabled
  }

  /** How many dispatches still fit before `resolve` has to be called. */
  get room(): number {
    return queriesPerBatch / 2 - this.#dispatches.length
  }

  start(): void {
    if (!this.host.device.features.has('timestamp-query')) {
      throw new OptionError('profile', 'an adapter with the feature timestamp-query', this.host.adapter.name)
    }
    this.#enabled = true
  }

  /** The timestamps of the next pass. */
  next(dispatch: MeasuredDispatch): GPUComputePassTimestampWrites {
    this.#querySet ??= this.host.device.createQuerySet({ type: 'timestamp', count: queriesPerBatch })
    const index = this.#dispatches.push(dispatch) - 1
    return {
      querySet: this.#querySet,
      beginningOfPassWriteIndex: index * 2,
      endOfPassWriteIndex: index * 2 + 1,
    }
  }

  /** Ends a batch: `encoder` is about to be submitted; the returned function must be called right after. */
  resolve(encoder: GPUCommandEncoder): (() => void) | undefined {
    if (this.#dispatches.length === 0 || !this.#querySet) return undefined
    const dispatches = this.#dispatches
    this.#dispatches = []
    const { device } = this.host
    const bytes = dispatches.length * 16
    const resolved = device.createBuffer({
      size: bytes,
      usage: GPUBufferUsageFlags.queryResolve | GPUBufferUsageFlags.copySource,
    })
    const readable = device.createBuffer({
      size: bytes,
      usage: GPUBufferUsageFlags.mapRead | GPUBufferUsageFlags.copyDestination,
    })
    encoder.resolveQuerySet(this.#querySet, 0, dispatches.length * 2, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, bytes)
    return () => {
      const readings = this.host
        .asynchronous(() => readable.mapAsync(1))
        .then(() => {
          const nanoseconds = new BigUint64Array(readable.getMappedRange())
          return dispatches.map((dispatch, i) => ({
            dispatch,
            start: nanoseconds[i * 2]!,
            end: nanoseconds[i * 2 + 1]!,
          }))
        })
        .finally(() => {
          resolved.destroy()
          readable.destroy()
        })
      readings.catch(() => undefined) // reported by stop()
      this.#readings.push(readings)
    }
  }

  /** Ends the profile; every command must have been submitted before. */
  async stop(): Promise<KernelTime[]> {
    this.#enabled = false
    const batches = this.#readings
    this.#readings = []
    const readings = (await Promise.all(batches)).flat()
    const origin = readings.reduce((least, { start }) => (start < least ? start : least), readings[0]?.start ?? 0n)
    return readings.map(({ dispatch, start, end }) => ({
      ...dispatch,
      milliseconds: Number(end - start) / 1e6,
      start: Number(start - origin),
      end: Number(end - origin),
    }))
  }
}
