/**
 * Whole networks, as bench/support/compared.ts describes them. Weights, images and labels are those of the peers, so that
 * outputs and losses can be compared.
 */
import type { Engine } from '../src/autograd/engine.js'
import { crossEntropy } from '../src/autograd/ops/cross-entropy.js'
import { type Classifier, createModel } from '../src/models/index.js'
import { adam } from '../src/optim/index.js'
import { hashStateDict } from '../test/support/hash-weights.js'
import { type BenchmarkCase, suite } from './support/case.js'
import { adamOptions, type Network, networks } from './support/compared.js'
import { multiplyAddsOf } from './support/network.js'
import { shapesText } from './support/operation.js'
import { traceNetwork } from './support/trace.js'
import { hashedTensor } from './support/values.js'

export default suite('networks', networks.map(networkCase))

/** The benchmark of a network: inference, or a step of training. */
export function networkCase(network: Network): BenchmarkCase {
  const { name, input } = network
  return { name, shape: shapesText({ input }), prepare: network.training ? training(network) : forward(network) }
}

/** Inference. */
function forward(network: Network): BenchmarkCase['prepare'] {
  return async (engine) => {
    const model = (await modelOf(engine, network)).eval()
    const images = hashedTensor(engine, network.input)
    return {
      run: () => engine.noGrad(() => model.call(images)),
      multiplyAdds: multiplyAddsOf(model, network.input).forward,
    }
  }
}

/** A step of training: forward, loss, backward, Adam. */
function training(network: Network): BenchmarkCase['prepare'] {
  return async (engine) => {
    const { input, classes, freezeUntil } = network
    const model = await modelOf(engine, network)
    if (freezeUntil !== undefined) model.freeze({ until: freezeUntil })
    const multiplyAdds = multiplyAddsOf(model.eval(), input).training
    model.train()
    const optimizer = adam(model.trainableParameters(), adamOptions)
    const images = hashedTensor(engine, input)
    const labels = engine.tensor(Int32Array.from({ length: input[0] }, (_, i) => i % classes))
    return {
      run() {
        optimizer.zeroGrad()
        const loss = crossEntropy(model.call(images), labels)
        loss.backward()
        optimizer.step()
        return loss
      },
      multiplyAdds,
    }
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
