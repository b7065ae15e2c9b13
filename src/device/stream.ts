/**
 * The command stream: operations record dispatches, copies and uploads; the stream turns them into submits.
 *
 * - Recording never waits. A pipeline that is still being compiled only delays the submit, not the recording.
 * - Submits are bounded; see submitter.ts.
 * - Uniforms of a submit are written at once into one buffer and bound with dynamic offsets.
 */
import type { BindGroupCache } from './bind-groups.js'
import type { DeviceBuffer } from './buffer.js'
import {
  type CommandSink,
  type CopyCommand,
  type DispatchCommand,
  uniformStride,
  type WriteCommand,
} from './commands.js'
import type { DeviceHost } from './host.js'
import type { PipelineCache, PipelineEntry } from './pipelines.js'
import { GPUBufferUsageFlags } from './pool.js'
import { maxDispatches, maxWork, type Submitter } from './submitter.js'
import { largestKeptTransfer } from './transfer.js'

/** A run of a plan (src/device/plan): many commands that are submitted together. */
export interface PlanCommand {
  readonly kind: 'plan'
  readonly firstUnready: () => PipelineEntry | undefined
  readonly uses: (entry: PipelineEntry) => boolean
  readonly submit: () => void
}

type SingleCommand = DispatchCommand | CopyCommand | WriteCommand
type Command = SingleCommand | PlanCommand

export interface StreamOptions {
  readonly host: DeviceHost
  readonly pipelines: PipelineCache
  readonly bindGroups: BindGroupCache
  readonly submitter: Submitter
}

/** With this many commands waiting for pipelines, compile synchronously: the caller never yields to the event loop. */
const maxPending = 4096

export class CommandStream implements CommandSink {
  #pending: Command[] = []
  #pendingWork = 0
  #arena: GPUBuffer | undefined
  #arenaGroup: GPUBindGroup | undefined
  readonly #arenaData = new Uint8Array(maxDispatches * uniformStride)

  constructor(private readonly options: StreamOptions) {}

  get empty(): boolean {
    return this.#pending.length === 0
  }

  record(command: Command): void {
    if (command.kind === 'dispatch') {
      command.uniforms?.refresh?.()
      this.#pendingWork += command.work
    }
    this.#pending.push(command)
    if (command.kind !== 'plan' && this.#pending.length < maxDispatches && this.#pendingWork < maxWork) return
    if (!this.#firstUnready() || this.#pending.length >= maxPending) this.submitNow()
  }

  upload(destination: DeviceBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    const { queue } = this.options.host.device
    if (bytes.byteLength <= largestKeptTransfer && !this.empty) {
      this.record({ kind: 'write', destination, offset, data: bytes.slice() })
      return
    }
    this.submitNow()
    for (let start = 0; start < bytes.byteLength; start += largestKeptTransfer) {
      const piece = bytes.subarray(start, start + largestKeptTransfer)
      queue.writeBuffer(destination.gpu, destination.gpuOffset + offset + start, piece)
      if (bytes.byteLength > largestKeptTransfer) queue.submit([]) // frees the staging memory of earlier pieces
    }
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
    let single: SingleCommand[] = []
    for (const command of commands) {
      if (command.kind !== 'plan') {
        single.push(command)
        continue
      }
      this.#submit(single)
      command.submit()
      single = []
    }
    this.#submit(single)
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

  #submit(commands: readonly SingleCommand[]): void {
    let uniformIndex = 0
    this.options.submitter.submit(commands, {
      begin: (start, end) => {
        this.#writeUniforms(commands, start, end)
        uniformIndex = 0
      },
      prepare: (pass, command) => {
        pass.setPipeline(command.entry.pipeline ?? this.options.pipelines.finishNow(command.entry))
        pass.setBindGroup(0, this.options.bindGroups.get(command.entry, command.bindings))
        if (command.uniforms) pass.setBindGroup(1, this.#arenaGroup, [uniformIndex++ * uniformStride])
      },
    })
  }

  #firstUnready(): PipelineEntry | undefined {
    for (const command of this.#pending) {
      if (command.kind === 'dispatch' && !command.entry.pipeline) return command.entry
      const unready = command.kind === 'plan' ? command.firstUnready() : undefined
      if (unready) return unready
    }
    return undefined
  }

  #leaveOut(entry: PipelineEntry): void {
    this.#pending = this.#pending.filter((command) => {
      if (command.kind === 'plan') return !command.uses(entry)
      return command.kind !== 'dispatch' || command.entry !== entry
    })
  }

  #writeUniforms(commands: readonly SingleCommand[], start: number, end: number): void {
    let count = 0
    for (let i = start; i < end; i++) {
      const command = commands[i]!
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
      this.#arenaGroup = this.options.pipelines.uniformGroup(this.#arena)
    }
    // writes are ordered with submits, so the previous submit still reads its own values
    device.queue.writeBuffer(this.#arena, 0, this.#arenaData, 0, count * uniformStride)
  }
}
