/**
 * A plan: the commands of a recorded step with everything that WebGPU wants to know of them, ready to be submitted over and over
 * again. A run asks for the values that vary, writes them into the plan's uniforms, and encodes the commands. It builds no bind
 * groups and allocates nothing, unless another plan has made the arenas larger meanwhile.
 */
import type { DeviceBuffer } from '../buffer.js'
import { type CopyCommand, type DispatchCommand, uniformStride, type WriteCommand } from '../commands.js'
import { KernelError } from '../errors.js'
import type { DeviceHost } from '../host.js'
import type { PipelineCache, PipelineEntry } from '../pipelines.js'
import { GPUBufferUsageFlags } from '../pool.js'
import type { CommandStream, PlanCommand } from '../stream.js'
import type { Submitter } from '../submitter.js'
import type { Arena } from './arenas.js'
import type { KeptForm, TracedCommand } from './trace.js'

/** What a plan takes. Sizes in bytes. */
export interface PlanReport {
  /** The size of the arenas, in which everything lies that a step needs only for itself. */
  readonly planned: number
  /** The largest sum of what has to be there at the same time: no placement needs less. */
  readonly minimal: number
  /** What it would be if nothing shared memory. */
  readonly unshared: number
  /** What the step keeps, in memory of its own. */
  readonly kept: number
  readonly arenas: number
  readonly allocations: number
  readonly dispatches: number
}

export interface PlanContext {
  readonly host: DeviceHost
  readonly pipelines: PipelineCache
  readonly stream: CommandStream
  readonly submitter: Submitter
  /** Throws where commands cannot run now: the device is lost, or a step is being recorded. */
  readonly checkRunning: () => void
}

/** What a plan is made of. It takes over one reference to each buffer and the arenas. */
export interface PlanParts {
  readonly commands: readonly TracedCommand[]
  readonly hostWork: readonly (() => void)[]
  readonly forms: readonly KeptForm[]
  readonly buffers: readonly DeviceBuffer[]
  readonly arenas: readonly Arena[]
  readonly giveBack: (arenas: readonly Arena[]) => void
  readonly report: PlanReport
}

interface PlannedDispatch extends DispatchCommand {
  /** Where its uniforms are in the plan's buffer, in bytes; undefined where it has none. */
  readonly uniformOffset: number | undefined
  group: GPUBindGroup | undefined
}

export class Plan {
  readonly report: PlanReport
  readonly #commands: readonly (PlannedDispatch | CopyCommand | WriteCommand)[]
  readonly #dispatches: readonly PlannedDispatch[]
  readonly #uniforms: PlanUniforms
  readonly #command: PlanCommand
  /** The arenas' buffers that the bind groups were made for. */
  #bound: readonly DeviceBuffer[] | undefined
  #ready = false
  #waiting = false
  #released = false

  constructor(
    private readonly context: PlanContext,
    private readonly parts: PlanParts,
  ) {
    this.report = parts.report
    const offsets = uniformOffsets(parts.commands)
    this.#commands = parts.commands.map((command) =>
      command.kind === 'dispatch' ? { ...command, uniformOffset: offsets.get(command), group: undefined } : command,
    )
    this.#dispatches = this.#commands.filter((command) => command.kind === 'dispatch')
    this.#uniforms = new PlanUniforms(context, this.#dispatches)
    this.#command = {
      kind: 'plan',
      firstUnready: () => this.#firstUnready(),
      uses: (entry) => this.#dispatches.some((dispatch) => dispatch.entry === entry),
      submit: () => {
        this.#submit()
      },
    }
  }

  /** Puts the commands on the stream with the uniforms as they are. */
  start(): void {
    this.#uniforms.gather()
    this.#waiting = true
    this.context.stream.record(this.#command)
  }

  /**
   * Runs the step once more, after everything recorded so far. Returns false, and runs nothing, where a packed weight that the
   * step reads lies elsewhere now: then the step has to be recorded anew.
   *
   * @throws KernelError when the plan was released, or inside of another step that is being recorded; DeviceLostError; what the step's own effects throw
   */
  replay(): boolean {
    this.context.checkRunning()
    if (this.#released) throw new KernelError('(plan)', 'it was released')
    for (const { source, description, buffer } of this.parts.forms) {
      if (source.packed(description) !== buffer) return false
    }
    // an earlier run that waits for pipelines still needs its uniforms
    if (this.#waiting) this.context.stream.submitNow()
    for (const work of this.parts.hostWork) work()
    this.start()
    return true
  }

  /** Whether commands of the step use this buffer, which was there before it. */
  uses(buffer: DeviceBuffer): boolean {
    return this.parts.buffers.includes(buffer)
  }

  /** Returns all memory. */
  release(): void {
    if (this.#released) return
    if (this.#waiting) this.context.stream.submitNow()
    this.#released = true
    for (const buffer of this.parts.buffers) buffer.release()
    this.parts.giveBack(this.parts.arenas)
    this.#uniforms.destroy()
  }

  #firstUnready(): PipelineEntry | undefined {
    if (this.#ready) return undefined
    const unready = this.#dispatches.find(({ entry }) => !entry.pipeline)
    this.#ready = unready === undefined
    return unready?.entry
  }

  #submit(): void {
    const { submitter, pipelines } = this.context
    this.#waiting = false
    this.#bind()
    this.#uniforms.write()
    let pass: GPUComputePassEncoder | undefined
    let pipeline: GPUComputePipeline | undefined
    submitter.submit(this.#commands, {
      prepare: (current, command: PlannedDispatch) => {
        const needed = command.entry.pipeline ?? pipelines.finishNow(command.entry)
        if (pass !== current || pipeline !== needed) current.setPipeline(needed)
        pass = current
        pipeline = needed
        current.setBindGroup(0, command.group)
        if (command.uniformOffset !== undefined) current.setBindGroup(1, this.#uniforms.group, [command.uniformOffset])
      },
    })
  }

  /** Makes the bind groups, if there are none yet or an arena is another buffer now. */
  #bind(): void {
    const { arenas } = this.parts
    if (this.#bound && arenas.every(({ buffer }, i) => buffer === this.#bound![i])) return
    const groups = new Map<string, GPUBindGroup>()
    for (const dispatch of this.#dispatches) {
      const { entry, bindings } = dispatch
      const places = bindings.map(({ buffer, offset, size }) => `${buffer.id}:${buffer.gpuOffset + offset}:${size}`)
      const key = `${entry.bindGroupLayout.label} ${places.join(' ')}`
      let group = groups.get(key)
      if (!group) {
        group = this.context.host.device.createBindGroup({
          label: entry.program.name,
          layout: entry.bindGroupLayout,
          entries: bindings.map(({ buffer, offset, size }, binding) => ({
            binding,
            resource: { buffer: buffer.gpu, offset: buffer.gpuOffset + offset, size },
          })),
        })
        groups.set(key, group)
      }
      dispatch.group = group
    }
    this.#bound = arenas.map(({ buffer }) => buffer)
  }
}

/** Where the uniforms of each dispatch lie: those that vary come first, so that one write renews them. */
function uniformOffsets(commands: readonly TracedCommand[]): Map<TracedCommand, number> {
  const withUniforms = commands.filter((command): command is DispatchCommand =>
    Boolean(command.kind === 'dispatch' && command.uniforms),
  )
  const varying = withUniforms.filter(({ uniforms }) => uniforms?.refresh)
  const constant = withUniforms.filter(({ uniforms }) => !uniforms?.refresh)
  return new Map([...varying, ...constant].map((command, i) => [command, i * uniformStride]))
}

/** The uniforms of all dispatches of a plan, in one buffer. */
class PlanUniforms {
  readonly group: GPUBindGroup | undefined
  readonly #buffer: GPUBuffer | undefined
  readonly #data: Uint8Array<ArrayBuffer>
  readonly #varying: readonly { readonly offset: number; readonly data: Uint8Array }[]
  #written = false

  constructor(
    private readonly context: PlanContext,
    dispatches: readonly PlannedDispatch[],
  ) {
    const all = dispatches.flatMap(({ uniforms, uniformOffset: offset }) =>
      uniforms && offset !== undefined ? [{ uniforms, offset }] : [],
    )
    this.#data = new Uint8Array(all.length * uniformStride)
    for (const { uniforms, offset } of all) this.#data.set(new Uint8Array(uniforms.data), offset)
    this.#varying = all
      .filter(({ uniforms }) => uniforms.refresh)
      .map(({ uniforms, offset }) => ({ offset, data: new Uint8Array(uniforms.data) }))
    if (all.length === 0) return
    this.#buffer = context.host.device.createBuffer({
      label: 'uniforms of a plan',
      size: this.#data.byteLength,
      usage: GPUBufferUsageFlags.uniform | GPUBufferUsageFlags.copyDestination,
    })
    this.group = context.pipelines.uniformGroup(this.#buffer)
  }

  /** Takes the values that vary as they are now. */
  gather(): void {
    for (const { offset, data } of this.#varying) this.#data.set(data, offset)
  }

  /** Writes what was gathered; what never varies only once. */
  write(): void {
    const bytes = this.#written ? this.#varying.length * uniformStride : this.#data.byteLength
    this.#written = true
    if (this.#buffer && bytes > 0) this.context.host.device.queue.writeBuffer(this.#buffer, 0, this.#data, 0, bytes)
  }

  destroy(): void {
    this.#buffer?.destroy()
  }
}
