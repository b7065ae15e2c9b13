/** Networks run on shapes alone: their parameters, which of them are trained, and how much work they are. */
import { type NetworkOperations, runNetwork } from './architectures.js'
import { type ComparedCase, type Network, outputSide, paddingOf } from './compared.js'

/** A parameter or running statistic, with its shape in torchvision's layout. */
export type NamedShape = readonly [name: string, shape: readonly number[]]

export interface NetworkTrace {
  /** In the order of use. */
  readonly parameters: readonly NamedShape[]
  /** Multiply-adds of one execution; a training step counts three times what has trainable weights. */
  readonly multiplyAdds: number
}

/** Runs a network on shapes alone. */
export function traceNetwork(network: Network): NetworkTrace {
  const parameters: NamedShape[] = []
  const products: { name: string; multiplyAdds: number }[] = []
  const [batch] = network.input
  const channelsOf = (shape: readonly number[]) => shape.at(-1)!
  const operations: NetworkOperations<readonly number[]> = {
    conv2d(shape, name, { outputs, kernel, stride, padding, bias }) {
      const inputs = channelsOf(shape)
      const output = outputSide(shape[1]!, kernel, stride, padding)
      parameters.push([`${name}.weight`, [outputs, inputs, kernel, kernel]])
      if (bias) parameters.push([`${name}.bias`, [outputs]])
      products.push({ name, multiplyAdds: batch * output ** 2 * outputs * inputs * kernel ** 2 })
      return [batch, output, output, outputs]
    },
    batchNorm2d(shape, name) {
      for (const part of ['weight', 'bias', 'running_mean', 'running_var']) {
        parameters.push([`${name}.${part}`, [channelsOf(shape)]])
      }
      return shape
    },
    relu: (shape) => shape,
    add: (shape) => shape,
    maxPool2d(shape, { kernel, stride, padding }) {
      const side = outputSide(shape[1]!, kernel, stride, padding)
      return [batch, side, side, channelsOf(shape)]
    },
    globalAveragePool: (shape) => [batch, channelsOf(shape)],
    adaptiveAveragePool: (shape, side) => [batch, side, side, channelsOf(shape)],
    flatten: (shape) => [batch, shape.slice(1).reduce((product, size) => product * size, 1)],
    linear(shape, name, outputs) {
      const inputs = channelsOf(shape)
      parameters.push([`${name}.weight`, [outputs, inputs]], [`${name}.bias`, [outputs]])
      products.push({ name, multiplyAdds: batch * inputs * outputs })
      return [batch, outputs]
    },
    again: (shape) => shape,
  }
  runNetwork(operations, network, network.input)
  const isTrained = trainedNames(network, parameters)
  const times = (name: string) => (network.training && isTrained(`${name}.weight`) ? 3 : 1)
  const multiplyAdds = products.reduce((sum, product) => sum + product.multiplyAdds * times(product.name), 0)
  return { parameters, multiplyAdds }
}

/** Tells which of a network's parameters a training step changes; running statistics are not among them. */
export function trainedNames(
  { training, freezeUntil }: Network,
  parameters: readonly NamedShape[],
): (name: string) => boolean {
  const first = freezeUntil === undefined ? 0 : parameters.findIndex(([name]) => name.startsWith(`${freezeUntil}.`))
  if (first < 0) throw new Error(`no parameter belongs to "${freezeUntil}"`)
  const trained = new Set(training ? parameters.slice(first).map(([name]) => name) : [])
  return (name) => trained.has(name) && !/\.running_(mean|var)$/.test(name)
}

/** Multiply-adds of one execution of a case; `undefined` where it is memory that takes the time. */
export function multiplyAddsOfCase(compared: ComparedCase): number | undefined {
  switch (compared.kind) {
    case 'matmul':
      return compared.rows * compared.inner * compared.columns
    case 'conv2d': {
      const { batch, inputs, side, outputs, kernel, stride } = compared
      return batch * outputSide(side, kernel, stride, paddingOf(compared)) ** 2 * outputs * inputs * kernel ** 2
    }
    case 'network':
      return traceNetwork(compared).multiplyAdds
    default:
      return undefined
  }
}
