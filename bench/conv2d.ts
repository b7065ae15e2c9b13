/** Convolutions of ResNet-50 and VGG16: `c<kernel>_<input channels>_<output channels if others>_<image side>_b<batch>`. */
import { conv2d } from '../src/autograd/ops/conv2d.js'
import { suite } from './support/case.js'
import { operationCases } from './support/operation.js'

interface Layer {
  readonly name: string
  readonly inputs: number
  readonly side: number
  readonly outputs: number
  readonly kernel: number
  readonly stride: number
}

const layers: readonly Layer[] = [
  { name: 'c7s2', inputs: 3, side: 224, outputs: 64, kernel: 7, stride: 2 },
  { name: 'c1_64_256_56', inputs: 64, side: 56, outputs: 256, kernel: 1, stride: 1 },
  { name: 'c3_64_56', inputs: 64, side: 56, outputs: 64, kernel: 3, stride: 1 },
  { name: 'c3_128_28', inputs: 128, side: 28, outputs: 128, kernel: 3, stride: 1 },
  { name: 'c3_256_14', inputs: 256, side: 14, outputs: 256, kernel: 3, stride: 1 },
  { name: 'c3_512_7', inputs: 512, side: 7, outputs: 512, kernel: 3, stride: 1 },
  { name: 'c1_1024_2048_s2', inputs: 1024, side: 14, outputs: 2048, kernel: 1, stride: 2 },
]

export default suite('conv2d', ...[1, 8].flatMap((batch) => layers.map((layer) => convolution(layer, batch))))

function convolution({ name, inputs, side, outputs, kernel, stride }: Layer, batch: number) {
  const padding = (kernel - 1) / 2
  const outputSide = Math.floor((side + 2 * padding - kernel) / stride) + 1
  return operationCases({
    name: `${name}_b${batch}`,
    inputs: { input: [batch, side, side, inputs], weight: [kernel, kernel, inputs, outputs] },
    run: ({ input, weight }) => conv2d(input, weight, undefined, { stride, padding }),
    multiplyAdds: batch * outputSide ** 2 * outputs * inputs * kernel ** 2,
  })
}
