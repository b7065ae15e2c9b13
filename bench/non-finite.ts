import { countNonFinite } from '../src/autograd/ops/non-finite.js'
import { suite } from './support/case.js'
import { forwardCase } from './support/operation.js'

export default suite(
  'non-finite',
  forwardCase({ name: 'count_non_finite', inputs: { input: [2048, 2048] }, run: ({ input }) => countNonFinite(input) }),
)
