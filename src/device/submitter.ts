/**
 * Turns commands into submits. A submit holds at most `maxDispatches` commands and `maxWork` arithmetic operations, so that
 * none runs into the watchdog of a desktop GPU (about two seconds), and what the GPU refuses is reported by the kernel's name.
 */
import { type CopyCommand, type DispatchCommand, measured, type WriteCommand } from './commands.js'
import { KernelError } from './errors.js'
import type { FailureLog } from './failures.js'
import type { DeviceHost } from './host.js'
import type { TimestampRecorder } from './timestamps.js'

export interface SubmitterOptions {
  readonly host: DeviceHost
  readonly timestamps: TimestampRecorder
  readonly failures: FailureLog
}

/** How those who have commands encode them. */
export interface CommandEncoder<D extends DispatchCommand> {
  /** Called before the commands of each submit, from number `start` up to `end`, are encoded. */
  readonly begin?: (start: number, end: number) => void
  /** Sets pipeline and bind groups of a dispatch. */
  readonly prepare: (pass: GPUComputePassEncoder, command: D) => void
}

export const maxDispatches = 256
export const maxWork = 2e10

export class Submitter {
  #submits = 0

  constructor(private readonly options: SubmitterOptions) {}

  /** How many submits were made so far. */
  get submits(): number {
    return this.#submits
  }

  /** Submits commands in their order, in as many submits as it takes. */
  submit<D extends DispatchCommand>(
    commands: readonly (D | CopyCommand | WriteCommand)[],
    encoder: CommandEncoder<D>,
  ): void {
    for (let start = 0, end: number; start < commands.length; start = end) {
      end = this.#batchEnd(commands, start)
      this.#submitBatch(commands, start, end, encoder)
    }
  }

  #batchEnd(commands: readonly (DispatchCommand | CopyCommand | WriteCommand)[], start: number): number {
    const { timestamps } = this.options
    const limit = timestamps.enabled ? Math.min(maxDispatches, timestamps.room) : maxDispatches
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

  #submitBatch<D extends DispatchCommand>(
    commands: readonly (D | CopyCommand | WriteCommand)[],
    start: number,
    end: number,
    { begin, prepare }: CommandEncoder<D>,
  ): void {
    const { host, timestamps, failures } = this.options
    const { device } = host
    device.pushErrorScope('validation')
    begin?.(start, end)
    let encoder = device.createCommandEncoder()
    let pass: GPUComputePassEncoder | undefined
    const endPass = () => {
      pass?.end()
      pass = undefined
    }
    for (let i = start; i < end; i++) {
      const command = commands[i]!
      if (command.kind === 'dispatch') {
        if (timestamps.enabled) endPass()
        pass ??= encoder.beginComputePass(
          timestamps.enabled ? { timestampWrites: timestamps.next(measured(command)) } : undefined,
        )
        prepare(pass, command)
        pass.dispatchWorkgroups(...command.workgroups)
      } else if (command.kind === 'copy') {
        endPass()
        copy(encoder, command)
      } else {
        // a queue write happens between submits, so what was recorded before it has to be submitted before it
        endPass()
        device.queue.submit([encoder.finish()])
        encoder = device.createCommandEncoder()
        const { destination, offset, data } = command
        device.queue.writeBuffer(destination.gpu, destination.gpuOffset + offset, data)
      }
    }
    endPass()
    const collect = timestamps.resolve(encoder)
    device.queue.submit([encoder.finish()])
    collect?.()
    this.#submits++
    const answer = host.asynchronous(() => device.popErrorScope())
    failures.expectNoError(answer, ({ message }) => describeFailure(dispatchesIn(commands, start, end), message))
  }
}

function copy(encoder: GPUCommandEncoder, command: CopyCommand): void {
  const { source, sourceOffset, destination, destinationOffset, size } = command
  encoder.copyBufferToBuffer(
    source.gpu,
    source.gpuOffset + sourceOffset,
    destination.gpu,
    destination.gpuOffset + destinationOffset,
    size,
  )
}

function dispatchesIn(
  commands: readonly (DispatchCommand | CopyCommand | WriteCommand)[],
  start: number,
  end: number,
): DispatchCommand[] {
  return commands.slice(start, end).filter((command) => command.kind === 'dispatch')
}

/** Why a submit was refused: most often a command is wrong, else a pipeline that was compiled on the spot. */
async function describeFailure(dispatches: readonly DispatchCommand[], message: string): Promise<Error> {
  for (const { ready } of new Set(dispatches.map(({ entry }) => entry))) {
    const shaderError = await ready.then(
      () => undefined,
      (error: unknown) => error as Error,
    )
    if (shaderError) return shaderError
  }
  return new KernelError(namesIn(dispatches, message), message)
}

/** Dawn's messages carry the labels of pipelines and bind groups, which are kernel names. */
function namesIn(dispatches: readonly DispatchCommand[], message: string): string {
  const names = [...new Set(dispatches.map(({ entry }) => entry.program.name))]
  const mentioned = names.filter((name) => message.includes(`"${name}"`))
  return (mentioned.length > 0 ? mentioned : names).join(', ')
}
