/** `npm run bench -- --peers` and `--cold`: what is compared, and where the results go. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { platformText } from '../support/platform.js'
import { textTable } from '../support/tables.js'
import { chooseAdapter } from './adapter.js'
import { compare } from './compare.js'
import { listPeers, ours, type Peer, selectPeers } from './list.js'
import type { Comparison, PeerResult } from './results.js'
import { selectCompared } from './select.js'
import { legend, memoryRows, ratioRows, timeRows } from './table.js'

export interface PeersOptions {
  /** The names of cases. */
  readonly case: readonly string[]
  /** Whether there are others than Daybreak. */
  readonly peers: boolean
  /** The names of peers; all that are installed by default. */
  readonly peer: readonly string[]
  readonly quick: boolean
  readonly cold: boolean
  readonly json: boolean
  readonly adapter?: string
  /** The JSON file. */
  readonly output?: string
  /** The folder that bench/ is compiled to, which is build/bench. */
  readonly compiled: string
}

/** The quick run is to be over after ten minutes, whatever the machine. */
const quickBudget = 7 * 60_000

/** Measures, prints tables or JSON lines, and writes a file. */
export async function runPeers(options: PeersOptions): Promise<void> {
  const { quick, cold, json } = options
  const cases = selectCompared(options.case, options)
  const peers = installedPeers(options)
  const file = path.resolve(options.output ?? `runs/bench/${cold ? 'cold' : 'peers'}.json`)
  mkdirSync(path.dirname(file), { recursive: true })
  const results: PeerResult[] = []
  const comparison: Comparison = { date: new Date().toISOString(), platform: platformText(), cold, quick, results }
  await compare({
    cases,
    peers,
    adapter: await chooseAdapter(options.adapter),
    quick,
    cold,
    ...(quick && { budget: quickBudget }),
    progress: (line) => {
      console.error(line)
    },
    onResults(some) {
      results.push(...some)
      if (json) for (const result of some) console.log(JSON.stringify(result))
      writeFileSync(file, `${JSON.stringify(comparison, undefined, 1)}\n`)
    },
  })
  if (!json) {
    for (const rows of [timeRows(comparison), ratioRows(comparison), memoryRows(comparison)]) {
      if (rows[0]!.length > 1) console.log(textTable(rows))
    }
    console.log(legend)
  }
  console.error(`written to ${path.relative('.', file)}`)
}

/** Daybreak, and the peers that were asked for; says which are not installed. */
function installedPeers({ peers, peer: names, compiled }: PeersOptions): readonly Peer[] {
  const all = listPeers(path.resolve(compiled, '../../bench/peers'), path.join(compiled, 'peers'))
  const selected = selectPeers(all, peers ? names : [ours])
  return selected.filter(({ name, missing }) => {
    const reason = missing()
    if (reason !== undefined) console.error(`without ${name}: ${reason}`)
    return reason === undefined
  })
}
