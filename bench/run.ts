/**
 * `npm run bench`: measures, and prints what came out. It asserts nothing. Nothing else should be running meanwhile.
 *
 *   npm run bench -- [--case NAME]... [--quick] [--json] [--list] [--adapter NAME]
 *     times kernels, operations and networks. Every other file in this folder holds the cases of one kernel family, or
 *     of whole networks; new ones are found by themselves.
 *   npm run bench -- --peers [--peer NAME]... [--cold] [--case NAME]... [--quick] [--json] [--adapter NAME] [--output FILE]
 *     compares with other engines, in processes of their own; --cold times first executions with empty shader caches.
 */
import { parseArgs } from 'node:util'
import { runPeers } from './peers/command.js'
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
    output: { type: 'string' },
  },
})

const compiled = import.meta.dirname

try {
  if (options.peers || options.cold) await runPeers({ ...options, compiled })
  else await runSuites({ ...options, compiled })
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
