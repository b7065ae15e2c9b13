/** `npm run bench` without further modes: the suites, all in one process. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createEngine } from '../../src/autograd/engine.js'
import type { BenchmarkSuite } from './case.js'
import { measure, quick, thorough } from './measure.js'
import { type BenchmarkResult, resultOf, tableOf } from './report.js'
import { selectCases } from './select.js'

export interface SuitesOptions {
  /** The names of cases. */
  readonly case: readonly string[]
  readonly quick: boolean
  readonly json: boolean
  /** Whether the cases are listed instead of run. */
  readonly list: boolean
  readonly adapter?: string
  /** The folder that bench/ is compiled to. */
  readonly compiled: string
}

/** The quick run is to be over after ten minutes, whatever the machine: no case is begun after so many milliseconds. */
const quickBudget = 9 * 60_000

/** Measures, and prints a table or JSON lines. */
export async function runSuites({ case: names, quick: isQuick, json, list, adapter, compiled }: SuitesOptions) {
  const selected = selectCases(await findSuites(compiled), names)
  if (list) {
    for (const { family, benchmark } of selected) console.log(`${family}: ${benchmark.name}`)
    return
  }
  const begin = performance.now()
  const engine = await createEngine({ adapter })
  const results: BenchmarkResult[] = []
  try {
    for (const [i, { family, benchmark }] of selected.entries()) {
      if (isQuick && performance.now() - begin > quickBudget) {
        console.error(`${selected.length - i} cases were not begun: the time of the quick run was over`)
        break
      }
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${i + 1}/${selected.length} ${benchmark.name}`)
      const prepared = await benchmark.prepare(engine)
      const timing = await measure(engine, prepared, isQuick ? quick : thorough)
      const result = resultOf(engine, family, benchmark, prepared, timing)
      results.push(result)
      if (json) console.log(JSON.stringify(result))
    }
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    engine.destroy()
  }
  if (!json) console.log(tableOf(results))
}

/** The suites of all files in the folder but the one that runs them. */
async function findSuites(folder: string): Promise<BenchmarkSuite[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.js') && file !== 'run.js')
  return Promise.all(
    files.sort().map(async (file) => {
      const { href } = pathToFileURL(path.join(folder, file))
      return ((await import(href)) as { default: BenchmarkSuite }).default
    }),
  )
}
