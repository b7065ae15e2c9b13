import { cast } from '../src/autograd/ops/cast.js'
import { suite } from './support/case.js'
import { forwardCase } from './support/operation.js'

export default suite(
  'cast',
  forwardCase({
    name: 'cast_bytes',
    shape: '128x224x224x1 bytes',
    inputs: {},
    constants: (engine) => engine.tensor(new Uint8Array(128 * 224 * 224)),
    run: (_inputs, bytes) => cast(bytes, 'f32', { scale: 1 / 255 }),
  }),
)
