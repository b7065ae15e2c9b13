import { flatten } from '../src/autograd/ops/flatten.js'
import { permute } from '../src/autograd/ops/permute.js'
import { transpose } from '../src/autograd/ops/transpose.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'permute',
  operationCases({
    name: 'transpose_2048',
    inputs: { input: [2048, 2048] },
    run: ({ input }) => transpose(input, 0, 1),
  }),
  operationCases({
    name: 'permute_nhwc_nchw',
    inputs: { input: [8, 56, 56, 256] },
    run: ({ input }) => permute(input, [0, 3, 1, 2]),
  }),
  operationCases({ name: 'flatten_vgg16_b32', inputs: { input: [32, 7, 7, 512] }, run: ({ input }) => flatten(input) }),
)
