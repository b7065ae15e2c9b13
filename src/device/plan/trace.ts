/**
 * A trace: what a device is told while a step is recorded. Nothing runs. Memory is given out without a place, and commands are
 * kept; the plan that is made of the trace decides where the memory lies.
 */
import { type BufferMemory, DeviceBuffer, type FormDescription } from '../buffer.js'
import type { CommandSink, CopyCommand, DispatchCommand, WriteCommand } from '../commands.js'
import type { Arena } from './arenas.js'

export type TracedCommand = DispatchCommand | CopyCommand<DeviceBuffer> | WriteCommand

/** A buffer that was there before the step, in another form that is kept with it. */
export interface KeptForm {
  readonly source: DeviceBuffer
  readonly description: FormDescription
  readonly buffer: DeviceBuffer
}

/** Memory that a trace gave out. */
export class TracedMemory implements BufferMemory {
  #place: { readonly holder: Arena; readonly offset: number } | undefined
  abandoned = false
  /** Whether a tensor, or somebody else, has it still. */
  held = true

  /** @param number in the order in which the trace gave it out, from 0 */
  constructor(
    readonly number: number,
    readonly byteLength: number,
  ) {}

  /** Different from that of all other memory, even before it has a place. */
  get id(): number {
    return this.#place ? this.#place.holder.buffer.id : -1 - this.number
  }

  get gpu(): GPUBuffer {
    if (!this.#place) throw new Error('memory of a step that is being recorded has no place yet')
    return this.#place.holder.buffer.gpu
  }

  get offset(): number {
    return this.#place ? this.#place.holder.buffer.gpuOffset + this.#place.offset : 0
  }

  /** Gives it a place; whoever holds it holds `owned` from then on. */
  moveTo(holder: Arena, offset: number, owned?: DeviceBuffer): void {
    this.#place = { holder, offset }
    this.#owned = owned
  }

  #owned: DeviceBuffer | undefined

  /** Its last holder lets go. */
  release(): void {
    this.held = false
    this.#owned?.release()
    this.#owned = undefined
  }
}

export class Trace implements CommandSink {
  readonly commands: TracedCommand[] = []
  /** By their numbers. */
  readonly allocations: TracedMemory[] = []
  /** What the host does in a step, in its order: the step's effects, and new values for uniforms. */
  readonly hostWork: (() => void)[] = []
  readonly forms: KeptForm[] = []
  /** Buffers that were there before the step. The trace holds each of them once. */
  readonly outside = new Set<DeviceBuffer>()
  readonly #written = new Set<number>()

  allocate(byteLength: number, half = false): DeviceBuffer {
    const memory = new TracedMemory(this.allocations.length, byteLength)
    this.allocations.push(memory)
    const onRelease = () => {
      memory.release()
    }
    return new DeviceBuffer(memory, byteLength, onRelease, 0, half)
  }

  record(command: DispatchCommand | CopyCommand<DeviceBuffer>): void {
    if (command.kind === 'dispatch') {
      const { uniforms } = command
      if (uniforms?.refresh) {
        uniforms.refresh()
        this.hostWork.push(uniforms.refresh)
      }
    }
    this.#add(command)
  }

  upload(destination: DeviceBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#add({ kind: 'write', destination, offset, data: bytes.slice() })
  }

  everyStep(effect: () => void): void {
    effect()
    this.hostWork.push(effect)
  }

  /**
   * A form that is kept with its buffer, and made before the step; undefined where that is too early, because the step itself
   * makes or changes what the form is made of.
   *
   * @param make the form as it is kept
   */
  keepForm(source: DeviceBuffer, description: FormDescription, make: () => DeviceBuffer): DeviceBuffer | undefined {
    const sources = [source, ...(description.others ?? [])]
    if (sources.some(({ memory, id }) => this.#isOwn(memory) || this.#written.has(id))) return undefined
    for (const buffer of sources) this.#hold(buffer)
    const buffer = make()
    if (!this.forms.some((form) => form.buffer === buffer)) this.forms.push({ source, description, buffer })
    return buffer
  }

  /** Gives up: whoever has memory of this trace finds that it was released. */
  abandon(): void {
    for (const memory of this.allocations) memory.abandoned = true
    for (const buffer of this.outside) buffer.release()
  }

  /** Memory of this trace. */
  own({ memory }: DeviceBuffer): TracedMemory | undefined {
    return this.#isOwn(memory) ? memory : undefined
  }

  #isOwn(memory: BufferMemory): memory is TracedMemory {
    return memory instanceof TracedMemory && this.allocations[memory.number] === memory
  }

  #add(command: TracedCommand): void {
    for (const { buffer, access } of usesOf(command)) {
      if (this.#isOwn(buffer.memory)) continue
      this.#hold(buffer)
      if (access === 'write') this.#written.add(buffer.id)
    }
    this.commands.push(command)
  }

  #hold(buffer: DeviceBuffer): void {
    if (this.outside.has(buffer)) return
    this.outside.add(buffer.retain())
  }
}

/** A buffer in a command. */
export interface Use {
  readonly buffer: DeviceBuffer
  readonly access: 'read' | 'write'
}

/** The buffers that a command uses. */
export function usesOf(command: TracedCommand): Use[] {
  switch (command.kind) {
    case 'dispatch':
      return command.bindings.map(({ buffer }, i) => ({ buffer, access: command.entry.program.bindings[i]!.access }))
    case 'copy':
      return [
        { buffer: command.source, access: 'read' },
        { buffer: command.destination, access: 'write' },
      ]
    case 'write':
      return [{ buffer: command.destination, access: 'write' }]
  }
}
