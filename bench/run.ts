/**
 * `npm run bench`: times kernels, operations and networks, and prints what they took. It asserts nothing.
 *
 *   npm run bench -- [--case NAME]... [--quick] [--json] [--list] [--adapter NAME]
 *
 * Every other file in this folder holds the cases of one kernel family, or of whole networks; new ones are found by
 * themselves. Nothing else should be running meanwhile.
 */
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createEngine } from '../src/autograd/engine.js'
import type { BenchmarkSuite } from './support/case.js'
import { measure, quick, thorough } from './support/measure.js'
import { type BenchmarkResult, resultOf, tableOf } from './support/report.js'
import { selectCases } from './support/select.js'

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    adapter: { type: 'string' },
  },
})

try {
  const selected = selectCases(await findSuites(), options.case)
  if (options.list) for (const { family, benchmark } of selected) console.log(`${family}: ${benchmark.name}`)
  else await runAll(selected)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function runAll(selected: ReturnType<typeof selectCases>): Promise<void> {
  const engine = await createEngine({ adapter: options.adapter })
  const results: BenchmarkResult[] = []
  try {
    for (const [i, { family, benchmark }] of selected.entries()) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${i + 1}/${selected.length} ${benchmark.name}`)
      const prepared = await benchmark.prepare(engine)
      const timing = await measure(engine, prepared, options.quick ? quick : thorough)
      const result = resultOf(engine, family, benchmark, prepared, timing)
      results.push(result)
      if (options.json) console.log(JSON.stringify(result))
    }
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
    engine.destroy()
  }
  if (!options.json) console.log(tableOf(results))
}

/** The suites of all files beside this one. */
async function findSuites(): Promise<BenchmarkSuite[]> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.js') && file !== 'run.js')
  return Promise.all(
    files.sort().map(async (file) => ((await import(`./${file}`)) as { default: BenchmarkSuite }).default),
  )
}
