/**
 * `npm run bench`: measures, and prints what came out. It asserts nothing. Nothing else should be running meanwhile.
 *
 *   npm run bench -- [--case NAME]... [--quick] [--json] [--list] [--adapter NAME]
 *     times kernels, operations and networks. Every other file in this folder holds the cases of one kernel family, or
 *     of whole networks; new ones are found by themselves.
 *   npm run bench -- --peers [--peer NAME]... [--cold] [--case NAME]... [--quick] [--json] [--adapter NAME] [--output FILE]
 *     compares with other engines, in processes of their own; --cold times first executions with empty shader caches.
 *   npm run bench -- --scaling [--quick] [--json] [--adapter NAME] [--output FILE]
 *     time and memory along the batch, the image side and the depth, and the speed of a long training run.
 *   npm run bench -- --charts FILE [--charts FILE]... [--output FOLDER]
 *     draws the files of the others, and prints tables for documents.
 */
import { parseArgs } from 'node:util'
import { drawCharts } from './charts/command.js'
import { runPeers } from './peers/command.js'
import { runScaling } from './scaling/command.js'
import { runSuites } from './support/run-suites.js'

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    adapter: { type: 'string' },
    peers: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: [] },
    cold: { type: 'boolean', default: false },
    scaling: { type: 'boolean', default: false },
    charts: { type: 'string', multiple: true, default: [] },
    output: { type: 'string' },
  },
})

const compiled = import.meta.dirname

try {
  if (options.charts.length > 0) await drawCharts({ files: options.charts, output: options.output })
  else if (options.peers || options.cold) await runPeers({ ...options, compiled })
  else if (options.scaling) await runScaling({ ...options, compiled })
  else await runSuites({ ...options, compiled })
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
