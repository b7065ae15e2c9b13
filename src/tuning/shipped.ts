/**
 * The tables that come with Daybreak, so that the first run on an adapter of a known class is good without measuring. They
 * hold what was measured on such adapters; docs/tuning.md tells how they are made.
 * GPUs have none: nobody has measured on one, and what their compilers tell is in the estimates (product-cost.ts).
 */
import type { AdapterClass } from './adapter-class.js'
import { JsonReader, parseJson } from './parse.js'
import lavapipe from './shipped/lavapipe.json' with { type: 'json' }
import swiftshader from './shipped/swiftshader.json' with { type: 'json' }
import { bySpeed, type Timing, TuningTable } from './table.js'
import { type Method, type ProblemKey, sameMethod } from './tunable.js'

/** The fastest method of a problem. */
export interface ShippedProblem extends ProblemKey {
  readonly method: Method
}

const tables: Partial<Record<AdapterClass, unknown>> = { lavapipe, swiftshader }

/** The table for a class of adapters; an empty one where there is none. */
export function shippedProblems(ofClass: AdapterClass): readonly ShippedProblem[] {
  const table = tables[ofClass]
  return table === undefined ? [] : problemsOf(new JsonReader(`the shipped table for ${ofClass}`, table))
}

/** The problems of a table's text. @throws DataError where it is none */
export function parseShipped(text: string, source: string): readonly ShippedProblem[] {
  return problemsOf(new JsonReader(source, parseJson(text, source)))
}

/** The text of a table; equal problems give equal texts. */
export function formatShipped(problems: Iterable<ShippedProblem>): string {
  const sorted = [...problems].sort(
    (a, b) => compare(a.family, b.family) || compare(a.shape, b.shape) || a.batch - b.batch,
  )
  const lines = sorted.map(({ family, shape, batch, method }) => JSON.stringify({ family, shape, batch, method }))
  return `{\n  "problems": [${lines.map((line) => `\n    ${line}`).join(',')}\n  ]\n}\n`
}

/** All problems of two tables; of one that is in both, what `later` says. */
export function mergeShipped(
  earlier: Iterable<ShippedProblem>,
  later: Iterable<ShippedProblem>,
): TuningTable<ShippedProblem> {
  return new TuningTable([...earlier, ...later])
}

/** Other methods must be faster than the estimated one by this factor: less is noise, or another machine's. */
const clearly = 1.1

/** The methods that a shipped table should name for measured problems; those that were not measured are left out. */
export function shippedFrom(
  problems: readonly (ProblemKey & { readonly estimated: Method; readonly timings: readonly Timing[] })[],
): ShippedProblem[] {
  return problems.flatMap(({ family, shape, batch, estimated, timings }) => {
    const [fastest] = bySpeed({ timings })
    if (!fastest) return []
    const expected = timings.find(({ method }) => sameMethod(method, estimated))
    const isClear = !expected || fastest.milliseconds * clearly < expected.milliseconds
    return { family, shape, batch, method: isClear ? fastest.method : estimated }
  })
}

function problemsOf(table: JsonReader): readonly ShippedProblem[] {
  return table
    .get('problems')
    .list()
    .map((item) => ({ ...item.problemKey(), method: item.get('method').method() }))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
