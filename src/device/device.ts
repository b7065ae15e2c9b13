/**
 * The device: everything that the rest of Daybreak may ask of a GPU. It hides WebGPU's objects: above this folder
 * there are buffers with reference counts, programs, and one method that waits (`read`).
 *
 * What lives in src/device: adapter choice, lifetime, limits, errors, the buffer pool, the command stream, timestamps.
 * What does not: what the kernels compute, tensors and gradients.
 */
import { BindGroupCache } from './bind-groups.js'
import type { BufferRange, DeviceBuffer, FormDescription } from './buffer.js'
import type { CommandSink } from './commands.js'
import { checkDispatch, checkPart } from './checks.js'
import { KernelError, OutOfMemoryError } from './errors.js'
import { FailureLog } from './failures.js'
import { faultBytes, type FaultDescription, FaultLog } from './faults.js'
import type { DeviceHost } from './host.js'
import { type DispatchLabel, noLabel } from './label.js'
import { PipelineCache } from './pipelines.js'
import type { Plan } from './plan/plan.js'
import { Planner } from './plan/planner.js'
import { BufferPool, type MemoryReport } from './pool.js'
import type { Program, Uniforms, Workgroups } from './program.js'
import { CommandStream } from './stream.js'
import { Submitter } from './submitter.js'
import { type KernelTime, TimestampRecorder } from './timestamps.js'
import { bytesToWrite, ReadBackBuffers } from './transfer.js'

export interface DeviceOptions {
  /** At most this many bytes of GPU memory are reserved; unlimited by default. */
  memoryLimit?: number
}

/** The limits that kernels shape themselves by. Sizes in bytes. */
export interface DeviceLimits {
  readonly bindingSize: number
  readonly offsetAlignment: number
  readonly workgroupInvocations: number
  readonly workgroupMemory: number
  readonly workgroupsPerDimension: number
  readonly storageBuffers: number
}

export class Device {
  readonly limits: DeviceLimits
  readonly adapter: DeviceHost['adapter']
  readonly features: ReadonlySet<string>
  /** What the dispatches that are recorded from now on are for, as profiles tell. */
  label: DispatchLabel = noLabel
  readonly #pool: BufferPool
  readonly #pipelines: PipelineCache
  readonly #bindGroups: BindGroupCache
  readonly #submitter: Submitter
  readonly #stream: CommandStream
  readonly #planner: Planner
  readonly #timestamps: TimestampRecorder
  readonly #faults: FaultLog
  readonly #readBack: ReadBackBuffers
  readonly #failures: FailureLog
  #recording = true

  constructor(
    private readonly host: DeviceHost,
    options: DeviceOptions = {},
  ) {
    const gpu = host.device
    this.adapter = host.adapter
    this.features = new Set(gpu.features)
    const { limits } = host
    this.limits = {
      bindingSize: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
      offsetAlignment: limits.minStorageBufferOffsetAlignment,
      workgroupInvocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
      workgroupMemory: limits.maxComputeWorkgroupStorageSize,
      workgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      storageBuffers: limits.maxStorageBuffersPerShaderStage,
    }
    this.#failures = new FailureLog(host)
    this.#pipelines = new PipelineCache(host, this.limits.storageBuffers)
    this.#bindGroups = new BindGroupCache(gpu)
    this.#timestamps = new TimestampRecorder(host)
    this.#readBack = new ReadBackBuffers(gpu, limits.maxBufferSize)
    this.#submitter = new Submitter({ host, timestamps: this.#timestamps, failures: this.#failures })
    const shared = { host, pipelines: this.#pipelines, submitter: this.#submitter }
    this.#stream = new CommandStream({ ...shared, bindGroups: this.#bindGroups })
    this.#pool = new BufferPool(gpu, {
      memoryLimit: options.memoryLimit,
      maxBufferSize: limits.maxBufferSize,
      beforeDestroy: () => {
        this.#stream.submitNow()
      },
      onCreated: (check, bytes, discard) => {
        const { inUse } = this.memory()
        this.#failures.expectNoError(host.asynchronous(check), () => {
          discard()
          return new OutOfMemoryError(bytes, inUse, this.memory().reserved) // the GPU has shown that it has no more
        })
      },
      onDestroyed: (id) => {
        this.#bindGroups.forget(id)
      },
    })
    this.#planner = new Planner({
      ...shared,
      stream: this.#stream,
      throwIfLost: () => this.#failures.throwIfLost(),
      allocate: (bytes) => this.#pool.allocate(bytes),
      reserve: (bytes) => this.#pool.reserve(bytes),
      alignment: this.limits.offsetAlignment,
      largestArena: limits.maxBufferSize,
    })
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault()
      this.#failures.add(new KernelError('(outside of any dispatch)', event.error.message))
    })
    this.#faults = new FaultLog(this.allocate(faultBytes))
    this.upload(this.#faults.buffer, new Uint8Array(faultBytes))
  }

  /** A workgroup size for one-dimensional kernels: 256, or what the device allows. */
  get workgroupSize(): number {
    return Math.min(256, this.limits.workgroupInvocations)
  }

  memory(): MemoryReport {
    return this.#pool.report()
  }

  /**
   * Memory with undefined contents; `bytes` is rounded up to a multiple of 4. Throws `OutOfMemoryError`.
   * @param half whether it is for elements of type f16
   */
  allocate(bytes: number, half = false): DeviceBuffer {
    this.#failures.throwIfLost()
    const { trace } = this.#planner
    return trace ? trace.allocate(this.#pool.byteLengthFor(bytes), half) : this.#pool.allocate(bytes, half)
  }

  /** How many pipelines were compiled, and how many submits were made, since the device was opened. */
  get counts(): { readonly pipelines: number; readonly submits: number } {
    return { pipelines: this.#pipelines.size, submits: this.#submitter.submits }
  }

  /** Gives memory that no tensor holds back to the GPU. */
  trim(): void {
    this.#pool.trim()
    this.#readBack.trim()
  }

  /**
   * Records one dispatch. `work` is its count of arithmetic operations, which bounds how much is submitted at once and
   * which profiles tell. Throws `KernelError` when a buffer was released or is bound both to read and to write.
   */
  dispatch(
    program: Program,
    bindings: readonly BufferRange[],
    uniforms: Uniforms | undefined,
    workgroups: Workgroups,
    work = 0,
  ): void {
    this.#failures.throwIfLost()
    checkDispatch(this.limits, program, bindings, workgroups)
    if (!this.#recording) return
    const entry = this.#pipelines.get(program)
    this.#sink.record({ kind: 'dispatch', entry, bindings, uniforms, workgroups, work, label: this.label })
  }

  /** Records a copy of `size` bytes (all multiples of 4) between two different buffers. */
  copy(source: DeviceBuffer, sourceOffset: number, destination: DeviceBuffer, destinationOffset: number, size: number) {
    this.#failures.throwIfLost()
    checkPart('copy', source, sourceOffset, size)
    checkPart('copy', destination, destinationOffset, size)
    if (!this.#recording) return
    this.#sink.record({ kind: 'copy', source, sourceOffset, destination, destinationOffset, size })
  }

  /** Writes values into a buffer, after everything recorded so far. `data` may be changed as soon as this returns. */
  upload(destination: DeviceBuffer, data: ArrayBufferView, byteOffset = 0): void {
    this.#failures.throwIfLost()
    const bytes = bytesToWrite(data)
    checkPart('upload', destination, byteOffset, bytes.byteLength)
    if (!this.#recording) return
    this.#sink.upload(destination, byteOffset, bytes)
  }

  /**
   * Waits for everything recorded so far and returns a copy of a part of a buffer. Errors of earlier commands, and
   * faults that kernels found in their data, are thrown here.
   */
  async read(buffer: DeviceBuffer, byteOffset = 0, byteLength = buffer.byteLength): Promise<ArrayBuffer> {
    this.#failures.throwIfLost()
    const size = Math.ceil(byteLength / 4) * 4
    if (this.#planner.trace) throw new KernelError('read', 'a step that is being recorded cannot read values back')
    checkPart('read', buffer, byteOffset, size)
    const checkFaults = this.#faults.inUse
    const total = size + (checkFaults ? faultBytes : 0)
    const readable = this.#readBack.take(total)
    const destination = { gpu: readable, gpuOffset: 0 }
    const copy = (source: DeviceBuffer, sourceOffset: number, size: number, destinationOffset: number) => {
      this.#stream.record({ kind: 'copy', source, sourceOffset, destination, destinationOffset, size })
    }
    copy(buffer, byteOffset, size, 0)
    if (checkFaults) copy(this.#faults.buffer, 0, faultBytes, size)
    try {
      await this.flush()
      await this.host.asynchronous(() => readable.mapAsync(1, 0, total))
      await this.#failures.settled()
      this.#failures.throwIfAny()
    } catch (error) {
      readable.destroy()
      this.#failures.throwIfLost()
      throw error
    }
    const values = readable.getMappedRange(0, total).slice(0)
    readable.unmap()
    this.#readBack.giveBack(readable)
    if (checkFaults) this.#throwFault(new Uint32Array(values, size))
    return values.slice(0, byteLength)
  }

  /**
   * Runs a synchronous function whose dispatches, copies and uploads are checked but not recorded: it learns shapes and
   * allocates memory, but computes no values.
   */
  withoutRunning<T>(body: () => T): T {
    const before = this.#recording
    this.#recording = false
    try {
      return body()
    } finally {
      this.#recording = before
    }
  }

  /** Whether commands are recorded, and buffers get contents: not inside of `withoutRunning`. */
  get recording(): boolean {
    return this.#recording
  }

  /**
   * Does what a step has to do besides its commands, such as counting itself; each replay of a recorded step does it again. Not
   * while `withoutRunning` only learns shapes.
   */
  everyStep(effect: () => void): void {
    if (!this.#recording) return
    const { trace } = this.#planner
    if (trace) trace.everyStep(effect)
    else effect()
  }

  /**
   * Runs a synchronous function once and makes a plan of what it records, which can be replayed; see src/device/plan. What the
   * function leaves behind keeps its memory: replays write to it again. Release the plan when it is not needed any more.
   *
   * @throws KernelError inside of another plan, OutOfMemoryError, and what the function throws
   */
  plan<T>(body: () => T): { plan: Plan; result: T } {
    return this.#planner.record(body)
  }

  /** Runs a function that is no part of the step that is being recorded, if any: its commands run once, and before the step's. */
  outsideOfPlan<T>(body: () => T): T {
    return this.#planner.outside(body)
  }

  /**
   * Another form of a buffer's contents, which is kept with the buffer; undefined where nothing can be kept: its contents are
   * made by a step that is being recorded, or nothing is recorded at all.
   */
  keepForm(source: DeviceBuffer, form: FormDescription): DeviceBuffer | undefined {
    if (!this.#recording) return undefined
    const make = () => this.outsideOfPlan(() => source.packed(form))
    const { trace } = this.#planner
    return trace ? trace.keepForm(source, form, make) : make()
  }

  /**
   * Submits everything recorded so far; does not wait for it to run. Throws errors of earlier commands; a caller that
   * does not await it misses them, but its process goes on.
   */
  flush(): Promise<void> {
    const flushed = this.#flush()
    flushed.catch(() => undefined) // no "unhandled rejection"
    return flushed
  }

  /** Submits everything recorded so far and waits until it has run. */
  async idle(): Promise<void> {
    await this.flush()
    await this.submittedWorkDone()
  }

  /** Waits until everything submitted so far has run; later commands may be recorded and submitted meanwhile. */
  async submittedWorkDone(): Promise<void> {
    await this.host.asynchronous(() => this.host.device.queue.onSubmittedWorkDone())
    await this.#failures.settled()
    this.#failures.throwIfAny()
  }

  /** The fault buffer for a kernel's binding, and the slot of a check in it; see faults.ts. */
  fault(description: FaultDescription): { buffer: DeviceBuffer; slot: number } {
    return { buffer: this.#faults.buffer, slot: this.#faults.slot(description) }
  }

  /**
   * Runs a function and returns the GPU time of every dispatch that it recorded.
   *
   * @throws OptionError on an adapter without the feature timestamp-query
   */
  async profile(run: () => void | Promise<void>): Promise<KernelTime[]> {
    await this.flush()
    this.#timestamps.start()
    try {
      await run()
      await this.idle()
    } catch (error) {
      await this.#timestamps.stop().catch(() => undefined) // the first error is the one that matters
      throw error
    }
    return this.#timestamps.stop()
  }

  /** Ends the device; every later use throws `DeviceLostError`. */
  destroy(): void {
    this.#failures.lose('it was destroyed')
    this.#stream.destroy()
    this.host.device.destroy()
  }

  get #sink(): CommandSink {
    return this.#planner.trace ?? this.#stream
  }

  async #flush(): Promise<void> {
    this.#failures.throwIfLost()
    try {
      await this.#stream.flush()
    } finally {
      this.#failures.throwIfLost()
    }
    this.#failures.throwIfAny()
  }

  #throwFault(contents: Uint32Array): void {
    const fault = this.#faults.error(contents)
    if (!fault) return
    this.upload(this.#faults.buffer, new Uint8Array(faultBytes))
    throw fault
  }
}
