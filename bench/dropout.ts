/** Dropout between VGG16's classifier layers, and on a large activation. */
import { dropout } from '../src/autograd/ops/dropout.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'dropout',
  operationCases({ name: 'dropout_4096_b32', inputs: { input: [32, 4096] }, run: ({ input }) => dropout(input) }),
  operationCases({ name: 'dropout_image_b8', inputs: { input: [8, 56, 56, 256] }, run: ({ input }) => dropout(input) }),
)
