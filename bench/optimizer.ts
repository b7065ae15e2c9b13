/** Updates of one large parameter, and of many small ones. */
import type { Engine } from '../src/autograd/engine.js'
import type { Tensor } from '../src/autograd/tensor.js'
import { adam, type Optimizer, sgd } from '../src/optim/index.js'
import { type BenchmarkCase, suite } from './support/case.js'
import { hashedTensor } from './support/values.js'

const one = [[2048, 2048]]
const many = Array.from({ length: 160 }, () => [256])

export default suite(
  'optimizer',
  // gradient, parameter and moments are read, all but the gradient written
  update('adam_large', one, 7, (parameters) => adam(parameters)),
  update('adam_160_small', many, 7, (parameters) => adam(parameters)),
  update('sgd_momentum_large', one, 5, (parameters) => sgd(parameters, { lr: 1e-3, momentum: 0.9 })),
)

function update(
  name: string,
  shapes: readonly (readonly number[])[],
  passes: number,
  make: (parameters: Tensor[]) => Optimizer,
): BenchmarkCase {
  return {
    name,
    shape: `${shapes.length} of ${shapes[0]!.join('x')}`,
    prepare(engine) {
      const parameters = shapes.map((shape) => parameterWithGradient(engine, shape))
      const optimizer = make(parameters)
      const size = parameters.reduce((total, parameter) => total + parameter.size, 0)
      return { run: () => optimizer.step(), bytes: passes * 4 * size }
    },
  }
}

function parameterWithGradient(engine: Engine, shape: readonly number[]): Tensor {
  const parameter = hashedTensor(engine, shape)
  parameter.requiresGrad = true
  parameter.grad = hashedTensor(engine, shape, 2)
  return parameter
}
