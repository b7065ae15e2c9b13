/** Adding one gradient to another. */
import { accumulate } from '../src/kernels/accumulate/accumulate.js'
import { suite } from './support/case.js'
import { hashedTensor } from './support/values.js'

const shape = [2048, 2048]

export default suite('accumulate', {
  name: 'accumulate',
  shape: '2048x2048',
  prepare(engine) {
    const [total, addend] = [engine.zeros(shape), hashedTensor(engine, shape)]
    return {
      run: () => accumulate(engine.device, { target: total.buffer, source: addend.buffer, size: total.size }),
      bytes: 3 * 4 * total.size,
    }
  },
})
