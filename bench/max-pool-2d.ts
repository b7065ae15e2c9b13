/** The pool behind ResNet-50's first convolution, and one of VGG16's. */
import { maxPool2d } from '../src/autograd/ops/max-pool-2d.js'
import { suite } from './support/case.js'
import { maxPools } from './support/compared.js'
import { operationCases } from './support/operation.js'

export default suite(
  'max-pool-2d',
  ...maxPools.map(({ name, batch, side, channels }) =>
    operationCases({
      name,
      inputs: { input: [batch, side, side, channels] },
      run: ({ input }) => maxPool2d(input, { kernelSize: 3, stride: 2, padding: 1 }),
    }),
  ),
  operationCases({
    name: 'maxpool_2x2_b8',
    inputs: { input: [8, 56, 56, 256] },
    run: ({ input }) => maxPool2d(input, { kernelSize: 2, stride: 2 }),
  }),
)
