/** Rows of text as tables. */
import Table from 'cli-table3'

/** The first row is the head; the first column names things, the others are numbers. */
export type Rows = readonly (readonly string[])[]

/** For terminals. */
export function textTable([head = [], ...rows]: Rows): string {
  const table = new Table({
    head: [...head],
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) table.push([...row])
  return table.toString()
}

/** For documents, laid out as prettier does. */
export function markdownTable([head = [], ...rows]: Rows): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
  const line = (row: readonly string[]) => `| ${row.map(pad).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

/** Three digits: 0.0123, 1.23, 123, 1230. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)))
}
