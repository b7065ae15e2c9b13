import { crossEntropy } from '../src/autograd/ops/cross-entropy.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'
import { hashedLabels } from './support/values.js'

export default suite('cross-entropy', loss('cross_entropy_10', 128, 10), loss('cross_entropy_1000', 4096, 1000))

function loss(name: string, rows: number, classes: number) {
  return operationCases({
    name,
    inputs: { input: [rows, classes] },
    constants: (engine) => hashedLabels(engine, rows, classes),
    run: ({ input }, labels) => crossEntropy(input, labels, { labelSmoothing: 0.1 }),
  })
}
