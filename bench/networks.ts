/** Whole networks: `<network>_<fwd, train or trainl4>_<image side>_b<batch>`. Weights are random: the work is the same. */
import type { Engine } from '../src/autograd/engine.js'
import { crossEntropy } from '../src/autograd/ops/cross-entropy.js'
import { type Classifier, minivgg, resnet50, vgg16 } from '../src/models/index.js'
import { adam } from '../src/optim/index.js'
import { type BenchmarkCase, suite } from './support/case.js'
import { multiplyAddsOf } from './support/network.js'
import { shapesText } from './support/operation.js'
import { hashedLabels, hashedTensor } from './support/values.js'

interface Network {
  readonly name: string
  readonly input: readonly [number, number, number, number]
  readonly classes: number
  readonly model: (engine: Engine, options: { numClasses: number }) => Promise<Classifier>
  /** Trains only this layer and what comes behind it. */
  readonly freezeUntil?: string
}

export default suite(
  'networks',
  forward({ name: 'rn50_fwd_224_b1', input: [1, 224, 224, 3], classes: 1000, model: resnet50 }),
  forward({ name: 'rn50_fwd_32_b32', input: [32, 32, 32, 3], classes: 10, model: resnet50 }),
  forward({ name: 'vgg16_fwd_224_b1', input: [1, 224, 224, 3], classes: 1000, model: vgg16 }),
  training({ name: 'rn50_train_32_b32', input: [32, 32, 32, 3], classes: 10, model: resnet50 }),
  training({
    name: 'rn50_trainl4_32_b32',
    input: [32, 32, 32, 3],
    classes: 10,
    model: resnet50,
    freezeUntil: 'layer4',
  }),
  training({ name: 'minivgg_train_28_b128', input: [128, 28, 28, 1], classes: 10, model: minivgg }),
)

/** Inference. */
function forward({ name, input, classes, model: make }: Network): BenchmarkCase {
  return {
    name,
    shape: shapesText({ input }),
    async prepare(engine) {
      const model = await make(engine, { numClasses: classes })
      model.eval()
      const images = hashedTensor(engine, input)
      return {
        run() {
          engine.noGrad(() => model.call(images))
        },
        multiplyAdds: multiplyAddsOf(model, input).forward,
      }
    },
  }
}

/** A step of training: forward, loss, backward, Adam. */
function training({ name, input, classes, model: make, freezeUntil }: Network): BenchmarkCase {
  return {
    name,
    shape: shapesText({ input }),
    async prepare(engine) {
      const model = await make(engine, { numClasses: classes })
      if (freezeUntil !== undefined) model.freeze({ until: freezeUntil })
      const multiplyAdds = multiplyAddsOf(model.eval(), input).training
      model.train()
      const optimizer = adam(model.trainableParameters(), { lr: 1e-4 })
      const images = hashedTensor(engine, input)
      const labels = hashedLabels(engine, input[0], classes)
      return {
        run() {
          optimizer.zeroGrad()
          crossEntropy(model.call(images), labels).backward()
          optimizer.step()
        },
        multiplyAdds,
      }
    },
  }
}
