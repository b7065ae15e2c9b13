/** Results as tables: times of every peer, and how many times as long as Daybreak it takes. */
import { type Rows, shortNumber } from '../support/tables.js'
import { ours } from './list.js'
import { type Comparison, type PeerResult, resultFor } from './results.js'

/** What is shown of a result: its median, or its first execution where nothing else was measured. */
export function millisecondsOf(result: PeerResult | undefined): number | undefined {
  return result?.ms ?? result?.firstMs
}

/** Whether a result can be believed: outputs agree, and the GPU has not complained. */
export function isSound(result: PeerResult): boolean {
  return result.agrees !== false && (result.gpuErrors ?? 0) === 0
}

/** How many times as long as Daybreak a peer takes: above 1 where Daybreak is faster. `undefined` without both times. */
export function ratioOf(results: readonly PeerResult[], name: string, peer: string): number | undefined {
  const own = millisecondsOf(resultFor(results, name, ours))
  const other = millisecondsOf(resultFor(results, name, peer))
  return own === undefined || other === undefined ? undefined : other / own
}

/** A row for each case, a column for each peer, in milliseconds. */
export function timeRows({ results, cold }: Pick<Comparison, 'results' | 'cold'>): Rows {
  const peers = peersOf(results)
  const head = [cold ? 'first execution, ms' : 'ms', ...peers]
  return [head, ...casesOf(results).map((name) => [name, ...peers.map((peer) => timeCell(results, name, peer))])]
}

/** The same, in times of Daybreak's time. */
export function ratioRows({ results }: Pick<Comparison, 'results'>): Rows {
  const peers = peersOf(results).filter((peer) => peer !== ours)
  const cell = (name: string, peer: string) => {
    const ratio = ratioOf(results, name, peer)
    return ratio === undefined ? '' : `${shortNumber(ratio)}${markOf(resultFor(results, name, peer)!)}`
  }
  return [
    ['times Daybreak', ...peers],
    ...casesOf(results).map((name) => [name, ...peers.map((peer) => cell(name, peer))]),
  ]
}

/** The most memory of each process, in megabytes. */
export function memoryRows({ results }: Pick<Comparison, 'results'>): Rows {
  const peers = peersOf(results)
  const cell = (name: string, peer: string) => resultFor(results, name, peer)?.peakMB?.toFixed(0) ?? ''
  return [['peak MB', ...peers], ...casesOf(results).map((name) => [name, ...peers.map((peer) => cell(name, peer))])]
}

/** What the marks in the tables mean. */
export const legend = '(!) its output is wrong or the GPU reported errors'

/** In the order of the results. */
export function peersOf(results: readonly PeerResult[]): string[] {
  return [...new Set(results.map(({ peer }) => peer))]
}

export function casesOf(results: readonly PeerResult[]): string[] {
  return [...new Set(results.map((result) => result.case))]
}

function timeCell(results: readonly PeerResult[], name: string, peer: string): string {
  const result = resultFor(results, name, peer)
  const time = millisecondsOf(result)
  if (result === undefined) return ''
  if (time !== undefined) return `${shortNumber(time)}${markOf(result)}`
  return result.unsupported === undefined ? 'failed' : 'cannot'
}

function markOf(result: PeerResult): string {
  return isSound(result) ? '' : ' (!)'
}
