/** Gradient clipping by norm, as before an optimizer's step. */
import { clipGradNorm } from '../src/optim/index.js'
import { suite } from './support/case.js'
import { hashedTensor } from './support/values.js'

const shapes = [[2048, 2048], ...Array.from({ length: 40 }, () => [256])]

export default suite('clip', {
  name: 'clip_grad_norm',
  shape: '2048x2048 and 40 of 256',
  prepare(engine) {
    const parameters = shapes.map((shape) => {
      const parameter = hashedTensor(engine, shape)
      parameter.requiresGrad = true
      parameter.grad = hashedTensor(engine, shape, 2)
      return parameter
    })
    const size = parameters.reduce((total, parameter) => total + parameter.size, 0)
    return {
      run() {
        clipGradNorm(parameters, 1)
      },
      bytes: 3 * 4 * size, // read for the norm, then scaled in place
    }
  },
})
