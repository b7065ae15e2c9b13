/** Convolutions of ResNet-50 and VGG16. */
import { conv2d } from '../src/autograd/ops/conv2d.js'
import { suite } from './support/case.js'
import { type Convolution, convolutions, paddingOf } from './support/compared.js'
import { operationCases } from './support/operation.js'
import { multiplyAddsOfCase } from './support/trace.js'

export default suite('conv2d', ...convolutions.map(convolution))

function convolution(layer: Convolution) {
  const { name, batch, inputs, side, outputs, kernel, stride } = layer
  return operationCases({
    name,
    inputs: { input: [batch, side, side, inputs], weight: [kernel, kernel, inputs, outputs] },
    run: ({ input, weight }) => conv2d(input, weight, undefined, { stride, padding: paddingOf(layer) }),
    multiplyAdds: multiplyAddsOfCase(layer),
  })
}
