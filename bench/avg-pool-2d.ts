/** The pool behind ResNet-50's first convolution, and one of VGG16's. */
import { avgPool2d } from '../src/autograd/ops/avg-pool-2d.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'avg-pool-2d',
  ...[1, 8].map((batch) =>
    operationCases({
      name: `avgpool_b${batch}`,
      inputs: { input: [batch, 112, 112, 64] },
      run: ({ input }) => avgPool2d(input, { kernelSize: 3, stride: 2, padding: 1 }),
    }),
  ),
  operationCases({
    name: 'avgpool_2x2_b8',
    inputs: { input: [8, 56, 56, 256] },
    run: ({ input }) => avgPool2d(input, { kernelSize: 2, stride: 2 }),
  }),
)
