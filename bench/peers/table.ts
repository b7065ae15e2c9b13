/** Results as tables: times of every peer, and how many times as long as Daybreak it takes. */
import Table from 'cli-table3'
import { ours } from './list.js'
import { type Comparison, type PeerResult, resultFor } from './results.js'

/** The first row is the head. */
export type Rows = readonly (readonly string[])[]

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

/** For terminals. */
export function textTable([head, ...rows]: Rows): string {
  const table = new Table({
    head: [...(head ?? [])],
    colAligns: ['left', ...(head ?? []).slice(1).map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) table.push([...row])
  return table.toString()
}

/** For documents. */
export function markdownTable(rows: Rows): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)].join('\n')
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

/** Three digits: 0.0123, 1.23, 123, 1230. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)))
}
