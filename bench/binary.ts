import { add, div, mul } from '../src/autograd/ops/binary.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

const image = [8, 56, 56, 256]

export default suite(
  'binary',
  operationCases({ name: 'add_residual_b8', inputs: { a: image, b: image }, run: ({ a, b }) => add(a, b) }),
  operationCases({ name: 'add_channels_b8', inputs: { a: image, b: [256] }, run: ({ a, b }) => add(a, b) }),
  operationCases({ name: 'mul_b8', inputs: { a: image, b: image }, run: ({ a, b }) => mul(a, b) }),
  operationCases({ name: 'div_number_b8', inputs: { a: image }, run: ({ a }) => div(a, 3) }),
)
