/** Verdicts as a table for people, as Markdown for docs/performance.md, and as JSON lines for programs. */
import Table from 'cli-table3'
import type { Verdict } from './judge.js'

const columns: readonly { head: string; text: boolean; of: (verdict: Verdict) => string }[] = [
  { head: 'case', text: true, of: ({ dispatch }) => dispatch.case },
  { head: 'kernel', text: true, of: ({ dispatch }) => dispatch.kernel + variantOf(dispatch.template) },
  { head: 'wave', text: false, of: ({ waveSize }) => String(waveSize) },
  { head: 'VGPRs', text: false, of: ({ statistics }) => String(statistics.vgprs) },
  { head: 'SGPRs', text: false, of: ({ statistics }) => String(statistics.sgprs) },
  {
    head: 'spilled',
    text: false,
    of: ({ statistics }) => String(statistics.spilledVgprs + statistics.spilledSgprs),
  },
  { head: 'LDS', text: false, of: ({ statistics }) => String(statistics.ldsBytes) },
  { head: 'scratch', text: false, of: ({ statistics }) => String(statistics.scratchBytes) },
  { head: 'waves', text: false, of: ({ wavesPerSimd }) => String(wavesPerSimd) },
  { head: 'instr.', text: false, of: ({ statistics }) => String(statistics.instructions) },
  { head: 'code', text: false, of: ({ statistics }) => String(statistics.codeBytes) },
  { head: 'latency', text: false, of: ({ statistics }) => String(statistics.latency) },
  { head: '1/throughput', text: false, of: ({ statistics }) => String(statistics.inverseThroughput) },
  { head: 'loop: FMA', text: false, of: ({ loop }) => String(loop?.multiplyAdds ?? '') },
  { head: 'vector', text: false, of: ({ loop }) => (loop ? vectorText(loop) : '') },
  { head: 'FMA share', text: false, of: ({ multiplyAddShare }) => percent(multiplyAddShare) },
  { head: 'LDS ops', text: false, of: ({ loop }) => String(loop?.sharedInstructions ?? '') },
  { head: 'memory', text: false, of: ({ loop }) => String(loop?.memoryInstructions ?? '') },
  { head: 'waits', text: false, of: ({ loop }) => String(loop?.waits ?? '') },
  { head: 'groups', text: false, of: ({ dispatch }) => `${dispatch.workgroups}x${dispatch.invocations}` },
  { head: 'grid', text: false, of: ({ estimate }) => percent(estimate?.occupiedShare) },
  { head: 'useful', text: false, of: ({ estimate }) => percent(estimate?.usefulShare) },
  { head: 'us', text: false, of: ({ estimate }) => estimate?.microseconds.toPrecision(3) ?? '' },
  { head: 'of peak', text: false, of: ({ estimate }) => (estimate ? peakText(estimate) : '') },
  { head: 'bound', text: true, of: ({ estimate }) => estimate?.bound ?? '' },
]

/** The columns of the Markdown table, which has to fit a page. */
const briefColumns = [
  'case',
  'kernel',
  'VGPRs',
  'spilled',
  'waves',
  'loop: FMA',
  'FMA share',
  'LDS ops',
  'grid',
  'us',
  'of peak',
  'bound',
]

/** All columns, for a wide terminal, or the brief ones. */
export function tableOf(verdicts: readonly Verdict[], brief: boolean): string {
  const shown = shownColumns(brief)
  const table = new Table({
    head: shown.map(({ head }) => head),
    colAligns: shown.map(({ text }) => (text ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  for (const verdict of verdicts) table.push(shown.map(({ of }) => of(verdict)))
  return table.toString()
}

export function markdownOf(verdicts: readonly Verdict[], brief: boolean): string {
  const shown = shownColumns(brief)
  const rows = [
    shown.map(({ head }) => head),
    shown.map(({ text }) => (text ? '---' : '--:')),
    ...verdicts.map((verdict) => shown.map(({ of }) => of(verdict))),
  ]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function shownColumns(brief: boolean) {
  return brief ? columns.filter(({ head }) => briefColumns.includes(head)) : columns
}

/** The chip by its name; everything else as it is. */
export function jsonOf({ chip, ...verdict }: Verdict): string {
  return JSON.stringify({ family: chip.family, card: chip.card, ...verdict })
}

/** What tells the variants of one kernel apart: the operands' order, and the epilogue. */
function variantOf(template: Verdict['dispatch']['template']): string {
  const flags = ['leftAlongDepth', 'rightAlongDepth', 'bias', 'accumulate'].filter((name) => template[name] === true)
  const short: Readonly<Record<string, string>> = { leftAlongDepth: 'LD', rightAlongDepth: 'RD' }
  return flags.length > 0 ? ` (${flags.map((name) => short[name] ?? name).join(', ')})` : ''
}

function vectorText({ vectorInstructions, vectorOperations }: NonNullable<Verdict['loop']>): string {
  return vectorInstructions === vectorOperations
    ? String(vectorInstructions)
    : `${vectorInstructions} (${vectorOperations})`
}

function peakText({ share, singleIssueShare }: NonNullable<Verdict['estimate']>): string {
  return share === singleIssueShare ? percent(share) : `${percent(share)} (${percent(singleIssueShare)})`
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(0)} %`
}
