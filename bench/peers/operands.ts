/** The arrays that a compared case begins with, and other layouts of them. */
import { hashStateDict } from '../../test/support/hash-weights.js'
import { batchNormSeeds, type ComparedCase, type Network } from '../support/compared.js'
import { traceNetwork } from '../support/trace.js'
import { hashedValues } from '../support/values.js'

export interface NumberArray {
  readonly shape: readonly number[]
  readonly data: Float32Array<ArrayBuffer>
}

/** What a case computes with, by name, in Daybreak's layouts: images NHWC, convolution weights HWIO. */
export function operandsOf(compared: ComparedCase): Readonly<Record<string, NumberArray>> {
  switch (compared.kind) {
    case 'matmul': {
      const { rows, inner, columns } = compared
      return { left: hashed([rows, inner], 1), right: hashed([inner, columns], 2) }
    }
    case 'conv2d': {
      const { batch, side, inputs, outputs, kernel } = compared
      return { input: hashed([batch, side, side, inputs], 1), weight: hashed([kernel, kernel, inputs, outputs], 2) }
    }
    case 'max-pool-2d':
      return { input: hashedImage(compared) }
    case 'batch-norm-relu': {
      const vector = (seed: number) => hashed([compared.channels], seed)
      const { shape, data } = vector(batchNormSeeds.runningVar)
      return {
        input: hashedImage(compared),
        weight: vector(batchNormSeeds.weight),
        bias: vector(batchNormSeeds.bias),
        runningMean: vector(batchNormSeeds.runningMean),
        runningVar: { shape, data: data.map((value) => 1 + value / 2) },
      }
    }
    case 'network':
      return { input: hashed(compared.input, 1) }
  }
}

/** The parameters and running statistics of a network, by torchvision's names and in its layouts. */
export function parametersOf(network: Network): ReadonlyMap<string, NumberArray> {
  const stateDict = hashStateDict(traceNetwork(network).parameters)
  return new Map([...stateDict].map(([name, { shape, data }]) => [name, { shape, data: data as NumberArray['data'] }]))
}

/** One-hot rows of the labels, [N, classes]: label i is i modulo the classes. */
export function oneHotLabels({ input: [batch], classes }: Network): NumberArray {
  const data = new Float32Array(batch * classes)
  for (let i = 0; i < batch; i++) data[i * classes + (i % classes)] = 1
  return { shape: [batch, classes], data }
}

/** The same array with its dimensions in another order: dimension i of the result is `order[i]` of the input. */
export function permuted({ shape, data }: NumberArray, order: readonly number[]): NumberArray {
  const strides = shape.map((_, dimension) => shape.slice(dimension + 1).reduce((product, size) => product * size, 1))
  const resultShape = order.map((dimension) => shape[dimension]!)
  const steps = order.map((dimension) => strides[dimension]!)
  const result = new Float32Array(data.length)
  const index = order.map(() => 0)
  for (let to = 0, from = 0; to < result.length; to++) {
    result[to] = data[from]!
    for (let dimension = order.length - 1; dimension >= 0; dimension--) {
      from += steps[dimension]!
      index[dimension]!++
      if (index[dimension]! < resultShape[dimension]!) break
      from -= steps[dimension]! * resultShape[dimension]!
      index[dimension] = 0
    }
  }
  return { shape: resultShape, data: result }
}

/** NHWC to NCHW; arrays of other ranks are left as they are. */
export function channelsFirst(array: NumberArray): NumberArray {
  return array.shape.length === 4 ? permuted(array, [0, 3, 1, 2]) : array
}

/** NCHW to NHWC; arrays of other ranks are left as they are. */
export function channelsLast(array: NumberArray): NumberArray {
  return array.shape.length === 4 ? permuted(array, [0, 2, 3, 1]) : array
}

/** HWIO to OIHW. */
export function outputsFirst(weight: NumberArray): NumberArray {
  return permuted(weight, [3, 2, 0, 1])
}

/** OIHW to HWIO, and of a linear layer [out, in] to [in, out]; arrays of one dimension are left as they are. */
export function outputsLast(weight: NumberArray): NumberArray {
  const orders: Readonly<Record<number, readonly number[]>> = { 2: [1, 0], 4: [2, 3, 1, 0] }
  const order = orders[weight.shape.length]
  return order ? permuted(weight, order) : weight
}

function hashed(shape: readonly number[], seed: number): NumberArray {
  const length = shape.reduce((product, size) => product * size, 1)
  return { shape, data: hashedValues(length, seed) }
}

function hashedImage({ batch, side, channels }: { batch: number; side: number; channels: number }): NumberArray {
  return hashed([batch, side, side, channels], 1)
}
