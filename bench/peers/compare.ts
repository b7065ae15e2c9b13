/**
 * The comparison: every case with every peer, each in a process of its own, one after the other, on the same adapter. What
 * does not end well is noted as that peer's result.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { runChild } from '../support/child.js'
import { adamOptions, type ComparedCase, comparedSteps } from '../support/compared.js'
import { type Effort, quick, thorough } from '../support/measure.js'
import type { AdapterChoice } from './adapter.js'
import { ours, type Peer, reference } from './list.js'
import { onnxModel } from './onnx-model.js'
import { answerFile, modelFile, outputFile, type PeerAnswer, type PeerRequest } from './protocol.js'
import { type Measured, type PeerResult, resultsOf } from './results.js'

export interface CompareOptions {
  readonly cases: readonly ComparedCase[]
  readonly peers: readonly Peer[]
  readonly adapter: AdapterChoice
  readonly quick: boolean
  /** Times only first executions, without shaders that earlier processes have compiled. */
  readonly cold: boolean
  /** No further process is begun after so many milliseconds. */
  readonly budget?: number
  /** Told what goes on. */
  readonly progress: (line: string) => void
  /** Called with the results of each case. */
  readonly onResults: (results: readonly PeerResult[]) => void
}

const timeouts = { quick: 150_000, thorough: 900_000 }

/** Measures all cases. */
export async function compare(options: CompareOptions): Promise<void> {
  const { cases, peers, budget = Infinity, progress, onResults } = options
  const begin = performance.now()
  const total = cases.length * peers.length
  let count = 0
  for (const compared of cases) {
    const measured: Measured[] = []
    for (const peer of peers) {
      const answered =
        performance.now() - begin < budget
          ? await measureInProcess(options, compared, peer)
          : { answer: { error: 'not begun: the time of the quick run was over' } }
      measured.push({ peer: peer.name, runsOn: peer.runsOn, ...answered })
      progress(`[${++count}/${total}] ${compared.name}, ${peer.name}: ${summaryOf(answered.answer)}`)
    }
    onResults(resultsOf(compared, measured, [reference, ours]))
  }
}

async function measureInProcess(
  options: CompareOptions,
  compared: ComparedCase,
  peer: Peer,
): Promise<Pick<Measured, 'answer' | 'output'>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'daybreak-peers-'))
  try {
    const isForward = compared.kind !== 'network' || !compared.training
    if (peer.opensModel && isForward) writeFileSync(path.join(folder, modelFile), onnxModel(compared))
    const environment = { ...options.adapter.environment, ...(options.cold && coldCaches(folder)) }
    const request = JSON.stringify(requestOf(options, compared, folder))
    const timeout = options.quick ? timeouts.quick : timeouts.thorough
    const parameters = [peer.script, request, ...peer.options]
    const { failure } = await runChild(peer.program, parameters, { environment, timeout })
    const answer = path.join(folder, answerFile)
    if (!existsSync(answer)) return { answer: { error: failure ?? 'it ended without an answer' } }
    return {
      answer: JSON.parse(readFileSync(answer, 'utf8')) as PeerAnswer,
      output: readOutput(path.join(folder, outputFile)),
    }
  } catch (error) {
    return { answer: { error: error instanceof Error ? error.message : String(error) } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function requestOf(
  { quick: isQuick, cold, adapter }: CompareOptions,
  compared: ComparedCase,
  folder: string,
): PeerRequest {
  const effort: Effort = isQuick ? quick : thorough
  const { name } = adapter
  return { case: compared, effort, onlyFirst: cold, steps: comparedSteps, adam: adamOptions, adapter: name, folder }
}

/** Drivers keep compiled shaders on disk: Mesa's and NVIDIA's are told to look for none. */
function coldCaches(folder: string): Record<string, string> {
  const cache = path.join(folder, 'shader-cache')
  mkdirSync(cache)
  return { MESA_SHADER_CACHE_DISABLE: 'true', MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE: '0' }
}

function readOutput(file: string): Float32Array | undefined {
  if (!existsSync(file)) return undefined
  const bytes = readFileSync(file)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

function summaryOf({ unsupported, error, ms, firstMs }: PeerAnswer): string {
  if (unsupported !== undefined) return `cannot (${unsupported})`
  if (error !== undefined) return `failed (${error})`
  return ms === undefined ? `${firstMs!.toFixed(0)} ms, the first time` : `${ms.toPrecision(4)} ms`
}
