import { logSoftmax, softmax } from '../src/autograd/ops/softmax.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'softmax',
  operationCases({ name: 'softmax_1000', inputs: { input: [4096, 1000] }, run: ({ input }) => softmax(input) }),
  operationCases({ name: 'log_softmax_1000', inputs: { input: [4096, 1000] }, run: ({ input }) => logSoftmax(input) }),
  operationCases({ name: 'log_softmax_10', inputs: { input: [128, 10] }, run: ({ input }) => logSoftmax(input) }),
)
