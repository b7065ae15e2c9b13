import { argmax, max, mean, sum } from '../src/autograd/ops/reduce.js'
import { suite } from './support/case.js'
import { forwardCase, operationCases } from './support/operation.js'

const image = [8, 56, 56, 256]
const logits = [4096, 1000]

export default suite(
  'reduce',
  operationCases({ name: 'sum_everything', inputs: { input: image }, run: ({ input }) => sum(input) }),
  operationCases({
    name: 'sum_channels',
    inputs: { input: image },
    run: ({ input }) => sum(input, { dim: [0, 1, 2] }),
  }),
  operationCases({ name: 'mean_pixels', inputs: { input: image }, run: ({ input }) => mean(input, { dim: [1, 2] }) }),
  operationCases({ name: 'max_rows', inputs: { input: logits }, run: ({ input }) => max(input, { dim: 1 }) }),
  forwardCase({ name: 'argmax_rows', inputs: { input: logits }, run: ({ input }) => argmax(input, { dim: 1 }) }),
)
