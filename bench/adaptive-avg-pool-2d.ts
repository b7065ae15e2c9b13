/** The pools in front of the heads of ResNet-50 and VGG16. */
import { adaptiveAvgPool2d } from '../src/autograd/ops/adaptive-avg-pool-2d.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'adaptive-avg-pool-2d',
  operationCases({
    name: 'adaptive_7_to_1_b32',
    inputs: { input: [32, 7, 7, 2048] },
    run: ({ input }) => adaptiveAvgPool2d(input, 1),
  }),
  operationCases({
    name: 'adaptive_14_to_7_b32',
    inputs: { input: [32, 14, 14, 512] },
    run: ({ input }) => adaptiveAvgPool2d(input, 7),
  }),
)
