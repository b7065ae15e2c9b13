/**
 * Whole networks, as bench/support/compared.ts describes them. Weights, images and labels are those of the peers, so that
 * outputs and losses can be compared.
 */
import type { Engine } from '../src/autograd/engine.js'
import { type Classifier, createModel } from '../src/models/index.js'
import { hashStateDict } from '../test/support/hash-weights.js'
import { type BenchmarkCase, suite } from './support/case.js'
import { type Network, networks } from './support/compared.js'
import { prepareForward, prepareTraining } from './support/network.js'
import { shapesText } from './support/operation.js'
import { traceNetwork } from './support/trace.js'

/** Its activations are larger than its weights: what checkpointing them makes of a step. */
const manyActivations: Network = {
  name: 'rn50_train_128_b8',
  kind: 'network',
  architecture: 'resnet50',
  input: [8, 128, 128, 3],
  classes: 10,
  training: true,
}

export default suite(
  'networks',
  networks.map((network) => networkCase(network)),
  networkCase(manyActivations),
  networkCase({ ...manyActivations, name: 'rn50_train_128_b8_checkpointed' }, { checkpointed: true }),
)

function networkCase(network: Network, { checkpointed = false } = {}): BenchmarkCase {
  const { name, input, classes, training, freezeUntil } = network
  return {
    name,
    shape: shapesText({ input }),
    async prepare(engine) {
      const model = await modelOf(engine, network)
      if (freezeUntil !== undefined) model.freeze({ until: freezeUntil })
      if (checkpointed) model.checkpointActivations()
      return training ? prepareTraining(model, input, classes) : prepareForward(model, input)
    },
  }
}

async function modelOf(engine: Engine, network: Network): Promise<Classifier> {
  // without initial values, as all are replaced
  const model = await engine.device.withoutRunning(() =>
    createModel(engine, network.architecture, { numClasses: network.classes }),
  )
  model.loadStateDict(hashStateDict(traceNetwork(network).parameters))
  return model
}
