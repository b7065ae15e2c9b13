/** What a measuring process in JavaScript does, whatever the engine: run the case for the first time, then time it. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ComparedCase } from '../support/compared.js'
import { type Effort, measureSamples, type Timing, timingOf } from '../support/measure.js'
import { peakMemory } from '../support/peak-memory.js'
import { answerFile, outputFile, type PeerAnswer, type PeerRequest } from './protocol.js'

/** A case, ready to run: the model and the data are made. */
export interface PreparedPeer {
  readonly version: string
  readonly adapter: string
  /** Begins one execution, and forgets its output. */
  readonly execute: () => unknown
  /** One execution; gives its output in Daybreak's order, or a training step's loss. */
  readonly compute: () => Promise<ArrayLike<number>>
  /** Waits for the end of all that was begun. */
  readonly synchronize: () => Promise<unknown>
  /** What the GPU has complained about so far. */
  readonly gpuErrors?: readonly string[]
  /** Asked at the end. */
  readonly tensorsMB?: () => number
}

/** Thrown by engines that cannot run a case; the message says why. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError'
}

/** Answers the request that this process was started with, and ends the process. */
export async function answerRequest(prepare: (request: PeerRequest) => Promise<PreparedPeer>): Promise<never> {
  const request = JSON.parse(process.argv[2]!) as PeerRequest
  const write = (answer: PeerAnswer) => {
    writeFileSync(path.join(request.folder, answerFile), JSON.stringify(answer))
    process.exit(0) // some engines keep the process alive
  }
  process.on('unhandledRejection', (reason) => write(failure(reason)))
  try {
    const { answer, output } = await measurePeer(request, await prepare(request))
    writeFileSync(path.join(request.folder, outputFile), output)
    return write(answer)
  } catch (error) {
    return write(failure(error))
  }
}

function failure(error: unknown): PeerAnswer {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 600)
  return error instanceof UnsupportedError ? { unsupported: message } : { error: message }
}

/** Runs and times a prepared case. */
export async function measurePeer(
  { case: compared, effort, onlyFirst, steps }: PeerRequest,
  peer: PreparedPeer,
): Promise<{ answer: PeerAnswer; output: Float32Array }> {
  const first = await timed(peer.compute)
  const losses = [...(isTraining(compared) ? [first] : [])]
  while (losses.length > 0 && losses.length < steps && !onlyFirst) losses.push(await timed(peer.compute))
  const timing = onlyFirst ? undefined : await timingOfPeer(peer, losses.slice(1), effort)
  const { version, adapter, gpuErrors = [] } = peer
  const answer: PeerAnswer = {
    version,
    adapter,
    firstMs: first.milliseconds,
    ...(timing && {
      ms: timing.median,
      fastestMs: timing.fastest,
      slowestMs: timing.slowest,
      samples: timing.samples,
    }),
    peakMB: peakMemory(),
    ...(peer.tensorsMB && { tensorsMB: peer.tensorsMB() }),
    gpuErrors: gpuErrors.length,
    ...(gpuErrors.length > 0 && { gpuError: gpuErrors[0]!.slice(0, 300) }),
  }
  const values = losses.length > 0 ? losses.map(({ output }) => output[0]!) : first.output
  return { answer, output: Float32Array.from(values) }
}

/** Slow training steps have been timed enough when their losses are known. */
async function timingOfPeer(peer: PreparedPeer, steps: readonly TimedOutput[], effort: Effort): Promise<Timing> {
  const known = steps.map(({ milliseconds }) => milliseconds)
  if (known.length > 0 && known.every((value) => value >= 1000 * effort.maximumSeconds)) return timingOf(known)
  return measureSamples(async (executions) => {
    for (let i = 0; i < executions; i++) await peer.execute()
    await peer.synchronize()
  }, effort)
}

interface TimedOutput {
  readonly milliseconds: number
  readonly output: ArrayLike<number>
}

async function timed(compute: PreparedPeer['compute']): Promise<TimedOutput> {
  const start = performance.now()
  const output = await compute()
  return { milliseconds: performance.now() - start, output }
}

function isTraining(compared: ComparedCase): boolean {
  return compared.kind === 'network' && compared.training
}
