/** The first batch norm of ResNet-50, 224 x 224; `bnrelu` is evaluation with the ReLU behind it. */
import type { Engine } from '../src/autograd/engine.js'
import { batchNorm2d, type BatchNormMode } from '../src/autograd/ops/batch-norm-2d.js'
import { relu } from '../src/autograd/ops/relu.js'
import { suite } from './support/case.js'
import { batchNorms, batchNormSeeds as seeds } from './support/compared.js'
import { forwardCase, operationCases } from './support/operation.js'
import { hashedTensor, hashedValues } from './support/values.js'

const channels = 64
const image = (batch: number) => [batch, 112, 112, channels]

export default suite(
  'batch-norm-2d',
  trainable('bn_training_b8', 'training'),
  trainable('bn_evaluation_b8', 'evaluation'),
  operationCases({
    name: 'bn_frozen_b8',
    inputs: { input: image(8) },
    constants: statistics,
    run: ({ input }, constants) => batchNorm2d(input, { ...constants, mode: 'frozen' }),
  }),
  ...batchNorms.map(({ name, batch }) =>
    forwardCase({
      name,
      inputs: { input: image(batch) },
      constants: statistics,
      run: ({ input }, constants) => relu(batchNorm2d(input, { ...constants, mode: 'evaluation' })),
    }),
  ),
)

function trainable(name: string, mode: BatchNormMode) {
  return operationCases({
    name,
    inputs: { input: image(8), weight: [channels], bias: [channels] },
    constants: statistics,
    run: ({ input, ...parameters }, constants) => batchNorm2d(input, { ...constants, ...parameters, mode }),
  })
}

function statistics(engine: Engine) {
  return {
    weight: hashedTensor(engine, [channels], seeds.weight),
    bias: hashedTensor(engine, [channels], seeds.bias),
    runningMean: hashedTensor(engine, [channels], seeds.runningMean),
    runningVar: engine.tensor(hashedValues(channels, seeds.runningVar).map((value) => 1 + value / 2)),
  }
}
