/** The heads of ResNet-50 and VGG16. */
import { linear } from '../src/autograd/ops/linear.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

export default suite(
  'linear',
  layer('linear_2048_1000_b32', 32, 2048, 1000),
  layer('linear_4096_4096_b8', 8, 4096, 4096),
  layer('linear_25088_4096_b1', 1, 25088, 4096),
)

function layer(name: string, batch: number, inputs: number, outputs: number) {
  return operationCases({
    name,
    inputs: { input: [batch, inputs], weight: [outputs, inputs], bias: [outputs] },
    run: ({ input, weight, bias }) => linear(input, weight, bias),
    multiplyAdds: batch * inputs * outputs,
  })
}
