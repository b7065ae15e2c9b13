import { gather } from '../src/autograd/ops/gather.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'
import { hashedLabels } from './support/values.js'

const rows = 10_000

export default suite(
  'gather',
  operationCases({
    name: 'gather_rows',
    inputs: { input: [rows, 512] },
    constants: (engine) => hashedLabels(engine, 4096, rows),
    run: ({ input }, index) => gather(input, index),
  }),
)
