import { concat } from '../src/autograd/ops/concat.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'concat',
  operationCases({
    name: 'concat_channels_b8',
    inputs: { a: [8, 56, 56, 128], b: [8, 56, 56, 64] },
    run: ({ a, b }) => concat([a, b], { dim: -1 }),
  }),
)
