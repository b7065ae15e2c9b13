/**
 * The compared networks, written once for engines of any kind: an engine gives the operations, and the values that they
 * work on are of whatever type the engine likes. Names are torchvision's.
 */
import type { Network } from './compared.js'

export interface ConvolutionOptions {
  readonly outputs: number
  readonly kernel: number
  readonly stride: number
  readonly padding: number
  readonly bias: boolean
}

export interface PoolOptions {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

/** What an engine offers. `name` is where the parameters are in a state dict: `<name>.weight`, `<name>.bias`, ... */
export interface NetworkOperations<T> {
  readonly conv2d: (input: T, name: string, options: ConvolutionOptions) => T
  readonly batchNorm2d: (input: T, name: string) => T
  readonly relu: (input: T) => T
  readonly add: (left: T, right: T) => T
  /** The input is never negative, so that padding with zeros is as good as padding with the lowest number. */
  readonly maxPool2d: (input: T, options: PoolOptions) => T
  /** Means over height and width: [N, C]. */
  readonly globalAveragePool: (input: T) => T
  readonly adaptiveAveragePool: (input: T, side: number) => T
  /** In PyTorch's order: channels, height, width. */
  readonly flatten: (input: T) => T
  readonly linear: (input: T, name: string, outputs: number) => T
  /** A second reference to a value that is used twice, for engines whose operations consume what they take. */
  readonly again: (value: T) => T
}

/** The logits of a network. */
export function runNetwork<T>(operations: NetworkOperations<T>, { architecture, classes }: Network, input: T): T {
  return { resnet50, vgg16, minivgg }[architecture](operations, input, classes)
}

function resnet50<T>(operations: NetworkOperations<T>, input: T, classes: number): T {
  const { again, add, relu } = operations
  const convolve = (x: T, convolution: string, norm: string, outputs: number, kernel: number, stride = 1) => {
    const options = { outputs, kernel, stride, padding: (kernel - 1) / 2, bias: false }
    return operations.batchNorm2d(operations.conv2d(x, convolution, options), norm)
  }
  let x = relu(convolve(input, 'conv1', 'bn1', 64, 7, 2))
  x = operations.maxPool2d(x, { kernel: 3, stride: 2, padding: 1 })
  for (const [layer, blocks] of [3, 4, 6, 3].entries()) {
    const width = 64 * 2 ** layer
    for (let block = 0; block < blocks; block++) {
      const name = `layer${layer + 1}.${block}`
      const stride = block === 0 && layer > 0 ? 2 : 1
      let shortcut = again(x)
      x = relu(convolve(x, `${name}.conv1`, `${name}.bn1`, width, 1))
      x = relu(convolve(x, `${name}.conv2`, `${name}.bn2`, width, 3, stride))
      x = convolve(x, `${name}.conv3`, `${name}.bn3`, 4 * width, 1)
      if (block === 0) {
        shortcut = convolve(shortcut, `${name}.downsample.0`, `${name}.downsample.1`, 4 * width, 1, stride)
      }
      x = relu(add(x, shortcut))
    }
  }
  return operations.linear(operations.globalAveragePool(x), 'fc', classes)
}

const threeByThree = { kernel: 3, stride: 1, padding: 1, bias: true }
const halve = { kernel: 2, stride: 2, padding: 0 }

function vgg16<T>(operations: NetworkOperations<T>, input: T, classes: number): T {
  const { conv2d, linear, maxPool2d, relu } = operations
  let x = input
  let index = 0
  for (const [stage, outputs] of [64, 128, 256, 512, 512].entries()) {
    const convolutions = stage < 2 ? 2 : 3
    for (let i = 0; i < convolutions; i++, index += 2) {
      x = relu(conv2d(x, `features.${index}`, { outputs, ...threeByThree }))
    }
    x = maxPool2d(x, halve)
    index++
  }
  x = operations.flatten(x) // 7x7 already, for images of 224x224
  x = relu(linear(x, 'classifier.0', 4096))
  x = relu(linear(x, 'classifier.3', 4096))
  return linear(x, 'classifier.6', classes)
}

function minivgg<T>(operations: NetworkOperations<T>, input: T, classes: number): T {
  let x = input
  for (const [block, outputs] of [16, 32, 64].entries()) {
    x = operations.relu(operations.conv2d(x, `features.${3 * block}`, { outputs, ...threeByThree }))
    x = operations.maxPool2d(x, halve)
  }
  x = operations.flatten(operations.adaptiveAveragePool(x, 7))
  return operations.linear(x, 'classifier', classes)
}

/**
 * Adaptive average pooling as a matrix [from^2, to^2] that pixels are multiplied with, for engines that have no such
 * operation: column (Y, X) holds the weights of the pixels that its mean is taken over.
 */
export function adaptiveAverageMatrix(from: number, to: number): Float32Array {
  const axis = Array.from({ length: to }, (_, output) => {
    const start = Math.floor((output * from) / to)
    const end = Math.ceil(((output + 1) * from) / to)
    return Array.from({ length: from }, (__, input) => (input >= start && input < end ? 1 / (end - start) : 0))
  })
  const matrix = new Float32Array(from ** 2 * to ** 2)
  for (let pixel = 0; pixel < from ** 2; pixel++) {
    for (let output = 0; output < to ** 2; output++) {
      const vertical = axis[Math.floor(output / to)]![Math.floor(pixel / from)]!
      matrix[pixel * to ** 2 + output] = vertical * axis[output % to]![pixel % from]!
    }
  }
  return matrix
}
