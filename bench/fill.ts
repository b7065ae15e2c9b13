import { suite } from './support/case.js'
import { forwardCase } from './support/operation.js'

export default suite(
  'fill',
  forwardCase({
    name: 'fill',
    shape: '2048x2048',
    inputs: {},
    constants: (engine) => engine,
    run: (_inputs, engine) => engine.full([2048, 2048], 1.5),
  }),
)
