/** Daybreak itself, measured as its peers are: one case in a process of its own. The cases are those of the suites. */
import { createEngine } from '../../src/autograd/engine.js'
import batchNorm2d from '../batch-norm-2d.js'
import conv2d from '../conv2d.js'
import matmul from '../matmul.js'
import maxPool2d from '../max-pool-2d.js'
import networks from '../networks.js'
import packageJson from '../../package.json' with { type: 'json' }
import { selectCases } from '../support/select.js'
import { answerRequest } from './measure-peer.js'

await answerRequest(async ({ case: { name }, adapter: wanted }) => {
  const { benchmark } = selectCases([matmul, conv2d, batchNorm2d, maxPool2d, networks], [name])[0]!
  const engine = await createEngine({ adapter: wanted })
  const { run } = await benchmark.prepare(engine)
  await engine.idle()
  return {
    version: packageJson.version,
    adapter: engine.device.adapter.name,
    execute: () => {
      engine.scope(() => {
        run()
      })
    },
    async compute() {
      const output = engine.scope(run)
      if (!output) throw new Error(`the benchmark "${name}" gives no result to compare`)
      return output.toArray()
    },
    synchronize: () => engine.idle(),
    tensorsMB: () => engine.memory().peak / 1e6,
  }
})
