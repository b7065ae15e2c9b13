import { pad } from '../src/autograd/ops/pad.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

const frame = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
] as const

export default suite(
  'pad',
  operationCases({
    name: 'pad_image_b8',
    inputs: { input: [8, 56, 56, 128] },
    run: ({ input }) => pad(input, { padding: frame }),
  }),
)
