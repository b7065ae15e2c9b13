/**
 * Records steps and makes plans of them.
 *
 * What lives in src/device/plan: traces, placement, arenas, plans. What does not: what a step is, and when it has to be recorded
 * anew (src/training).
 */
import type { DeviceBuffer } from '../buffer.js'
import type { WriteCommand } from '../commands.js'
import { KernelError } from '../errors.js'
import { Arenas } from './arenas.js'
import { type Lifetime, minimalBytes, placeAllocations } from './placement.js'
import { Plan, type PlanContext, type PlanParts, type PlanReport } from './plan.js'
import { Trace, type TracedCommand, type TracedMemory, usesOf } from './trace.js'

export interface PlannerOptions extends Omit<PlanContext, 'checkRunning'> {
  readonly throwIfLost: () => void
  /** Memory for what outlives the step. */
  readonly allocate: (bytes: number) => DeviceBuffer
  /** Memory of exactly so many bytes for an arena. */
  readonly reserve: (bytes: number) => DeviceBuffer
  /** Of bindings, in bytes. */
  readonly alignment: number
  /** Of a buffer, in bytes. */
  readonly largestArena: number
}

export class Planner {
  readonly #arenas: Arenas
  readonly #context: PlanContext
  #trace: Trace | undefined

  constructor(private readonly options: PlannerOptions) {
    this.#arenas = new Arenas(options.reserve)
    const checkRunning = () => {
      options.throwIfLost()
      if (this.#trace) throw new KernelError('(plan)', 'a step is being recorded already')
    }
    this.#context = { ...options, checkRunning }
  }

  /** What a step is being recorded into. */
  get trace(): Trace | undefined {
    return this.#trace
  }

  /** Records a synchronous function, makes a plan of it, and puts the plan's commands on the stream. */
  record<T>(body: () => T): { plan: Plan; result: T } {
    this.#context.checkRunning()
    const trace = new Trace()
    this.#trace = trace
    try {
      const result = body()
      if (result instanceof Promise) {
        throw new KernelError('(plan)', 'a step is a synchronous function: read values back after it')
      }
      this.#trace = undefined
      const plan = this.#plan(trace)
      plan.start()
      return { plan, result }
    } catch (error) {
      trace.abandon()
      throw error
    } finally {
      this.#trace = undefined
    }
  }

  /** Runs a function whose commands run at once, and whose memory is ordinary, although a step is being recorded. */
  outside<T>(body: () => T): T {
    const trace = this.#trace
    this.#trace = undefined
    try {
      return body()
    } finally {
      this.#trace = trace
    }
  }

  #plan(trace: Trace): Plan {
    const constants = constantsOf(trace)
    const commands = trace.commands.filter((command) => !constants.includes(command as WriteCommand))
    const owned = new Set(constants.map(({ destination }) => trace.own(destination)!))
    for (const memory of trace.allocations) if (memory.held) owned.add(memory)
    const buffers: DeviceBuffer[] = []
    let kept = 0
    try {
      for (const memory of owned) {
        const buffer = this.options.allocate(memory.byteLength)
        kept += memory.byteLength
        buffers.push(buffer)
        memory.moveTo({ buffer }, 0, memory.held ? buffer.retain() : undefined)
      }
      const { arenas, report } = this.#place(trace, commands, owned)
      for (const { destination, offset, data } of constants) this.options.stream.upload(destination, offset, data)
      const parts: PlanParts = {
        commands,
        hostWork: trace.hostWork,
        forms: trace.forms,
        buffers: [...buffers, ...trace.outside],
        arenas,
        giveBack: (given) => {
          this.#arenas.giveBack(given)
        },
        report: { ...report, kept },
      }
      return new Plan(this.#context, parts)
    } catch (error) {
      for (const buffer of buffers) buffer.release()
      throw error
    }
  }

  /** Gives everything that the step needs only for itself a place in an arena. */
  #place(trace: Trace, commands: readonly TracedCommand[], owned: ReadonlySet<TracedMemory>) {
    const { memories, lifetimes, apart } = analyse(trace, commands, owned)
    const { alignment, largestArena } = this.options
    const { places, arenas: sizes } = placeAllocations({ lifetimes, apart, alignment, largestArena })
    const arenas = this.#arenas.take(sizes)
    for (const [i, { arena, offset }] of places.entries()) memories[i]!.moveTo(arenas[arena]!, offset)
    const report: Omit<PlanReport, 'kept'> = {
      planned: sizes.reduce((sum, size) => sum + size, 0),
      minimal: minimalBytes(lifetimes),
      unshared: lifetimes.reduce((sum, { size }) => sum + size, 0),
      arenas: sizes.length,
      allocations: lifetimes.length,
      dispatches: commands.filter(({ kind }) => kind === 'dispatch').length,
    }
    return { arenas, report }
  }
}

/** The uploads into memory that nothing else writes and nobody keeps: they need not be repeated. */
function constantsOf(trace: Trace): WriteCommand[] {
  const writes = new Map<TracedMemory, number>()
  for (const command of trace.commands) {
    for (const { buffer, access } of usesOf(command)) {
      const memory = trace.own(buffer)
      if (memory && access === 'write') writes.set(memory, (writes.get(memory) ?? 0) + 1)
    }
  }
  return trace.commands.filter((command): command is WriteCommand => {
    if (command.kind !== 'write') return false
    const memory = trace.own(command.destination)
    return memory !== undefined && !memory.held && writes.get(memory) === 1
  })
}

/** The lifetimes of the memory that commands use, and which of it must not be in one buffer. */
function analyse(trace: Trace, commands: readonly TracedCommand[], owned: ReadonlySet<TracedMemory>) {
  const indices = new Map<TracedMemory, number>()
  const lifetimes: (Lifetime & { last: number })[] = []
  const apart = new Map<string, readonly [number, number]>()
  for (const [number, command] of commands.entries()) {
    const used: Record<'read' | 'write', number[]> = { read: [], write: [] }
    for (const { buffer, access } of usesOf(command)) {
      const memory = trace.own(buffer)
      if (!memory || owned.has(memory)) continue
      let index = indices.get(memory)
      if (index === undefined) {
        indices.set(memory, (index = lifetimes.length))
        lifetimes.push({ size: memory.byteLength, first: number, last: number })
      }
      lifetimes[index]!.last = number
      used[access].push(index)
    }
    for (const written of used.write) for (const read of used.read) apart.set(`${written} ${read}`, [written, read])
  }
  return { memories: [...indices.keys()], lifetimes, apart: apart.values() }
}
