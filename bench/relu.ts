/** The first activation of ResNet-50, 224 x 224. */
import { relu } from '../src/autograd/ops/relu.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'relu',
  operationCases({ name: 'relu_b8', inputs: { input: [8, 112, 112, 64] }, run: ({ input }) => relu(input) }),
)
