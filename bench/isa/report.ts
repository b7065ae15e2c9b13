/** Verdicts as a table for people, as Markdown for docs/performance.md, and as JSON lines for programs. */
import Table from 'cli-table3'
import type { PeakShare } from './estimate.js'
import type { CaseVerdict, Verdict } from './judge.js'

interface Column {
  readonly head: string
  readonly text?: boolean
  /** Whether the brief table, which fits a page, has it. */
  readonly brief?: boolean
  readonly of: (verdict: Verdict, name: string) => string
  /** In the line of a case with several dispatches. */
  readonly ofCase?: (verdict: CaseVerdict) => string
}

const columns: readonly Column[] = [
  { head: 'case', text: true, brief: true, of: (_, name) => name, ofCase: ({ name }) => name },
  {
    head: 'kernel',
    text: true,
    brief: true,
    of: ({ dispatch }) => dispatch.kernel + variantOf(dispatch.template),
    ofCase: () => 'all of them',
  },
  { head: 'wave', of: ({ waveSize }) => String(waveSize) },
  { head: 'VGPRs', brief: true, of: ({ statistics }) => String(statistics.vgprs) },
  { head: 'SGPRs', of: ({ statistics }) => String(statistics.sgprs) },
  { head: 'spilled', brief: true, of: ({ statistics }) => String(statistics.spilledVgprs + statistics.spilledSgprs) },
  { head: 'LDS', of: ({ statistics }) => String(statistics.ldsBytes) },
  { head: 'scratch', of: ({ statistics }) => String(statistics.scratchBytes) },
  { head: 'waves', brief: true, of: ({ wavesPerSimd }) => String(wavesPerSimd) },
  { head: 'instr.', of: ({ statistics }) => String(statistics.instructions) },
  { head: 'code', of: ({ statistics }) => String(statistics.codeBytes) },
  { head: 'latency', of: ({ statistics }) => String(statistics.latency) },
  { head: '1/throughput', of: ({ statistics }) => String(statistics.inverseThroughput) },
  { head: 'loop: FMA', brief: true, of: ({ loop }) => String(loop?.multiplyAdds ?? '') },
  { head: 'vector', of: ({ loop }) => (loop ? vectorText(loop) : '') },
  { head: 'FMA share', brief: true, of: ({ multiplyAddShare }) => percent(multiplyAddShare) },
  { head: 'LDS ops', brief: true, of: ({ loop }) => String(loop?.sharedInstructions ?? '') },
  { head: 'memory', of: ({ loop }) => String(loop?.memoryInstructions ?? '') },
  { head: 'waits', of: ({ loop }) => String(loop?.waits ?? '') },
  { head: 'groups', of: ({ dispatch }) => `${dispatch.workgroups}x${dispatch.invocations}` },
  { head: 'grid', brief: true, of: ({ estimate }) => percent(estimate?.product?.occupied) },
  { head: 'useful', of: ({ estimate }) => percent(estimate?.product?.useful) },
  {
    head: 'us',
    brief: true,
    of: ({ estimate }) => microseconds(estimate?.microseconds),
    ofCase: (verdict) => microseconds(verdict.microseconds),
  },
  {
    head: 'of peak',
    brief: true,
    of: ({ estimate }) => peakText(estimate?.product?.share),
    ofCase: ({ share }) => peakText(share),
  },
  { head: 'bound', text: true, brief: true, of: ({ estimate }) => estimate?.bound ?? '' },
]

/** All columns, for a wide terminal, or the brief ones. */
export function tableOf(verdicts: readonly CaseVerdict[], brief: boolean): string {
  const shown = columns.filter((column) => !brief || column.brief)
  const table = new Table({
    head: shown.map(({ head }) => head),
    colAligns: shown.map(({ text }) => (text ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  table.push(...rowsOf(verdicts, shown))
  return table.toString()
}

/** As Prettier would format it. */
export function markdownOf(verdicts: readonly CaseVerdict[], brief: boolean): string {
  const shown = columns.filter((column) => !brief || column.brief)
  const rows = [shown.map(({ head }) => head), ...rowsOf(verdicts, shown)]
  const widths = shown.map((_, i) => Math.max(3, ...rows.map((cells) => cells[i]!.length)))
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const [head, ...body] = rows.map((cells) =>
    line(cells.map((cell, i) => (shown[i]!.text ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))),
  )
  const rule = line(shown.map(({ text }, i) => (text ? '-'.repeat(widths[i]!) : `${'-'.repeat(widths[i]! - 1)}:`)))
  return [head, rule, ...body].join('\n')
}

function rowsOf(verdicts: readonly CaseVerdict[], shown: readonly Column[]): string[][] {
  return verdicts.flatMap((verdict) => {
    const rows = verdict.dispatches.map((dispatch) => shown.map(({ of }) => of(dispatch, verdict.name)))
    return rows.length === 1 ? rows : [...rows, shown.map(({ ofCase }) => ofCase?.(verdict) ?? '')]
  })
}

export function jsonOf(family: string, verdict: CaseVerdict): string {
  return JSON.stringify({ family, ...verdict })
}

/** What tells the variants of one kernel apart: operands whose neighbours in memory are neighbours in the depth, the epilogue. */
function variantOf(template: Verdict['dispatch']['template']): string {
  const flags = Object.entries({ leftAlongDepth: 'L', rightAlongDepth: 'R', bias: 'bias', accumulate: 'accumulate' })
  const set = flags.filter(([name]) => template[name] === true).map(([, short]) => short)
  return set.length > 0 ? ` (${set.join(', ')})` : ''
}

function vectorText({ vectorInstructions, vectorOperations }: NonNullable<Verdict['loop']>): string {
  return vectorInstructions === vectorOperations
    ? String(vectorInstructions)
    : `${vectorInstructions} (${vectorOperations})`
}

function microseconds(value: number | undefined): string {
  return value === undefined ? '' : value >= 99.5 ? value.toFixed(0) : value.toPrecision(2)
}

/** The share of the chip's peak, and in brackets that of the peak without issuing two operations at once. */
function peakText(share: PeakShare | undefined): string {
  if (share === undefined) return ''
  return share.full === share.single ? percent(share.full) : `${percent(share.full)} (${percent(share.single)})`
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(0)} %`
}
