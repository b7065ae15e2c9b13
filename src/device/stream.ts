/**
 * The command stream: operations record dispatches, copies and uploads; the stream turns them into submits.
 *
 * - Recording never waits. A pipeline that is still being compiled only delays the submit, not the recording.
 * - A submit holds at most `maxDispatches` dispatches and `maxWork` arithmetic operations, so that no submit runs into
 *   the watchdog of a desktop GPU (about two seconds).
 * - Uniforms of a submit are written at once into one buffer and bound with dynamic offsets.
 */
import type { BindGroupCache } from './bind-groups.js'
import { bytesOf, type BufferRange } from './buffer.js'
import { KernelError } from './errors.js'
import type { FailureLog } from './failures.js'
import type { DeviceHost } from './host.js'
import type { DispatchLabel } from './label.js'
import type { PipelineCache, PipelineEntry } from './pipelines.js'
import { GPUBufferUsageFlags } from './pool.js'
import type { Uniforms, Workgroups } from './program.js'
import type { MeasuredDispatch, TimestampRecorder } from './timestamps.js'

export interface DispatchCommand {
  readonly kind: 'dispatch'
  readonly entry: PipelineEntry
  readonly bindings: readonly BufferRange[]
  readonly uniforms: Uniforms | undefined
  readonly workgroups: Workgroups
  /** The count of arithmetic operations, which bounds the submit. */
  readonly work: number
  readonly label: DispatchLabel
}

export interface CopyCommand {
  readonly kind: 'copy'
  readonly source: GPUBuffer
  readonly sourceOffset: number
  readonly destination: GPUBuffer
  readonly destinationOffset: number
  readonly size: number
}

export interface WriteCommand {
  readonly kind: 'write'
  readonly destination: GPUBuffer
  readonly offset: number
  readonly data: Uint8Array<ArrayBuffer>
}

type Command = DispatchCommand | CopyCommand | WriteCommand

export interface StreamOptions {
  readonly host: DeviceHost
  readonly pipelines: PipelineCache
  readonly bindGroups: BindGroupCache
  readonly timestamps: TimestampRecorder
  readonly failures: FailureLog
}

const maxDispatches = 256
const maxWork = 2e10
/** With this many commands waiting for pipelines, compile synchronously: the caller never yields to the event loop. */
const maxPending = 4096
/** WebGPU guarantees that dynamic uniform offsets may be multiples of 256, and no uniform struct here is larger. */
export const uniformStride = 256

export class CommandStream {
  #pending: Command[] = []
  #pendingWork = 0
  #arena: GPUBuffer | undefined
  #arenaGroup: GPUBindGroup | undefined
  readonly #arenaData = new Uint8Array(maxDispatches * uniformStride)
  #submits = 0

  constructor(private readonly options: StreamOptions) {}

  /** How many submits were made so far. */
  get submits(): number {
    return this.#submits
  }

  get empty(): boolean {
    return this.#pending.length === 0
  }

  record(command: Command): void {
    this.#pending.push(command)
    this.#pendingWork += command.kind === 'dispatch' ? command.work : 0
    if (this.#pending.length < maxDispatches && this.#pendingWork < maxWork) return
    if (!this.#firstUnready() || this.#pending.length >= maxPending) this.submitNow()
  }

  /**
   * Submits everything recorded so far, as soon as its pipelines are compiled. Throws the `ShaderError` of a kernel that
   * does not compile: its dispatches are left out, but uploads that were recorded with them are not lost.
   */
  async flush(): Promise<void> {
    let failure: Error | undefined
    for (let entry = this.#firstUnready(); entry; entry = this.#firstUnready()) {
      try {
        await entry.ready
      } catch (error) {
        failure ??= error as Error
        this.#leaveOut(entry)
      }
    }
    this.submitNow()
    if (failure) throw failure
  }

  /** Submits everything recorded so far, compiling what is not compiled yet. */
  submitNow(): void {
    const commands = this.#pending
    this.discard()
    let start = 0
    while (start < commands.length) {
      const end = this.#batchEnd(commands, start)
      this.#submit(commands.slice(start, end))
      start = end
    }
  }

  /** Forgets what was recorded and not submitted. */
  discard(): void {
    this.#pending = []
    this.#pendingWork = 0
  }

  destroy(): void {
    this.discard()
    this.#arena?.destroy()
  }

  #firstUnready(): PipelineEntry | undefined {
    for (const command of this.#pending) {
      if (command.kind === 'dispatch' && !command.entry.pipeline) return command.entry
    }
    return undefined
  }

  #leaveOut(entry: PipelineEntry): void {
    this.#pending = this.#pending.filter((command) => command.kind !== 'dispatch' || command.entry !== entry)
  }

  #batchEnd(commands: readonly Command[], start: number): number {
    const limit = this.options.timestamps.enabled
      ? Math.min(maxDispatches, this.options.timestamps.room)
      : maxDispatches
    let work = 0
    let end = start
    while (end < commands.length && end - start < limit) {
      const command = commands[end]!
      work += command.kind === 'dispatch' ? command.work : 0
      if (work > maxWork && end > start) break
      end++
    }
    return end
  }

  #submit(commands: readonly Command[]): void {
    const { host, timestamps, failures } = this.options
    const { device } = host
    device.pushErrorScope('validation')
    this.#writeUniforms(commands)
    let encoder = device.createCommandEncoder()
    let pass: GPUComputePassEncoder | undefined
    let uniformIndex = 0
    const endPass = () => {
      pass?.end()
      pass = undefined
    }
    for (const command of commands) {
      if (command.kind === 'dispatch') {
        if (timestamps.enabled) endPass()
        pass ??= encoder.beginComputePass(
          timestamps.enabled ? { timestampWrites: timestamps.next(measured(command)) } : undefined,
        )
        this.#encode(pass, command, uniformIndex)
        if (command.uniforms) uniformIndex++
      } else if (command.kind === 'copy') {
        endPass()
        const { source, sourceOffset, destination, destinationOffset, size } = command
        encoder.copyBufferToBuffer(source, sourceOffset, destination, destinationOffset, size)
      } else {
        // a queue write happens between submits, so what was recorded before it has to be submitted before it
        endPass()
        device.queue.submit([encoder.finish()])
        encoder = device.createCommandEncoder()
        device.queue.writeBuffer(command.destination, command.offset, command.data)
      }
    }
    endPass()
    const collect = timestamps.resolve(encoder)
    device.queue.submit([encoder.finish()])
    collect?.()
    this.#submits++
    const answer = host.asynchronous(() => device.popErrorScope())
    failures.expectNoError(answer, ({ message }) => describeFailure(commands, message))
  }

  #encode(pass: GPUComputePassEncoder, command: DispatchCommand, uniformIndex: number): void {
    pass.setPipeline(command.entry.pipeline ?? this.options.pipelines.finishNow(command.entry))
    pass.setBindGroup(0, this.options.bindGroups.get(command.entry, command.bindings))
    if (command.uniforms) pass.setBindGroup(1, this.#arenaGroup, [uniformIndex * uniformStride])
    pass.dispatchWorkgroups(...command.workgroups)
  }

  #writeUniforms(commands: readonly Command[]): void {
    let count = 0
    for (const command of commands) {
      if (command.kind !== 'dispatch' || !command.uniforms) continue
      this.#arenaData.set(new Uint8Array(command.uniforms.data), count * uniformStride)
      count++
    }
    if (count === 0) return
    const { device } = this.options.host
    if (!this.#arena) {
      this.#arena = device.createBuffer({
        label: 'uniforms',
        size: this.#arenaData.byteLength,
        usage: GPUBufferUsageFlags.uniform | GPUBufferUsageFlags.copyDestination,
      })
      this.#arenaGroup = device.createBindGroup({
        label: 'uniforms',
        layout: this.options.pipelines.uniformLayout,
        entries: [{ binding: 0, resource: { buffer: this.#arena, size: uniformStride } }],
      })
    }
    // writes are ordered with submits, so the previous submit still reads its own values
    device.queue.writeBuffer(this.#arena, 0, this.#arenaData, 0, count * uniformStride)
  }
}

/** What a profile tells of a dispatch besides its time. */
function measured({ entry, label, work, bindings, workgroups }: DispatchCommand): MeasuredDispatch {
  return { kernel: entry.program.name, label, operations: work, bytes: bytesOf(bindings), workgroups }
}

/** Why a submit was refused: most often a command is wrong, else a pipeline that was compiled on the spot. */
async function describeFailure(commands: readonly Command[], message: string): Promise<Error> {
  const entries = new Set(commands.flatMap((command) => (command.kind === 'dispatch' ? [command.entry] : [])))
  for (const { ready } of entries) {
    const shaderError = await ready.then(
      () => undefined,
      (error: unknown) => error as Error,
    )
    if (shaderError) return shaderError
  }
  return new KernelError(namesIn(commands, message), message)
}

/** Dawn's messages carry the labels of pipelines and bind groups, which are kernel names. */
function namesIn(commands: readonly Command[], message: string): string {
  const names = new Set(
    commands.flatMap((command) => (command.kind === 'dispatch' ? [command.entry.program.name] : [])),
  )
  const mentioned = [...names].filter((name) => message.includes(`"${name}"`))
  return (mentioned.length > 0 ? mentioned : [...names]).join(', ')
}
