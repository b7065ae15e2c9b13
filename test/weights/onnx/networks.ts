/** Small ResNets and VGGs as ONNX graphs, in the ways of several exporters, and the state dicts that belong to them. */
import type { StateDict } from '../../../src/weights/index.js'
import { elementCount } from '../../../src/weights/weights-file.js'
import { hashFill } from '../../support/hash-weights.js'
import { node, type RawNode, type RawTensor } from './onnx-file.js'

/** How an exporter writes a network. */
export interface Style {
  /** What a tensor with this name of torchvision's is called in the file. */
  name?: (torchvision: string) => string
  /** Whether batch norms are nodes, or gone into a convolution with bias. */
  batchNorm?: 'separate' | 'folded'
  /** Whether convolutions have a bias in front of their batch norm all the same. */
  convolutionBias?: boolean
  epsilon?: number
  sum?: 'Add' | 'Sum'
  /** Whether the input of a block comes first in its sum. */
  shortcutFirst?: boolean
  linear?: 'Gemm' | 'MatMul'
  /** Attributes of every Gemm. */
  gemm?: Record<string, number>
}

const epsilonOfTorchvision = Math.fround(1e-5)

/** A graph that grows node by node, with the tensors that a reader should find in it. */
export class NetworkBuilder {
  readonly graph = {
    node: [] as RawNode[],
    initializer: [] as RawTensor[],
    input: [{ name: 'data' }],
  }
  readonly expected: StateDict = new Map()

  constructor(readonly style: Style = {}) {}

  /** Adds a node; the name of its output. */
  node(operator: string, input: readonly string[], attributes: object = {}): string {
    const output = `${operator}_${this.graph.node.length}`
    this.graph.node.push(node(operator, input, output, attributes))
    return output
  }

  /** Stores a tensor whose values are a hash of its name of torchvision's: around 1, all positive. Its name in the file. */
  store(torchvision: string, shape: readonly number[]): { name: string; data: Float32Array } {
    const name = this.style.name?.(torchvision) ?? torchvision
    const data = hashFill(torchvision, elementCount(shape), 0.3, 1)
    this.graph.initializer.push({ name, dims: shape, data_type: 1, raw_data: new Uint8Array(data.buffer) })
    return { name, data }
  }

  expect(torchvision: string, shape: readonly number[], data: Float32Array): void {
    this.expected.set(torchvision, { shape, dtype: 'float32', data })
  }

  /** Stores a tensor that should be read as it is. */
  parameter(torchvision: string, shape: readonly number[]): string {
    const { name, data } = this.store(torchvision, shape)
    this.expect(torchvision, shape, data)
    return name
  }

  conv(
    input: string,
    { name, from, to, kernel, stride = 1 }: { name: string; from: number; to: number; kernel: number; stride?: number },
    bias?: () => string,
  ): string {
    const weight = this.parameter(`${name}.weight`, [to, from, kernel, kernel])
    const pad = (kernel - 1) / 2
    const window = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] }
    const inputs = [input, weight, ...(bias ? [bias()] : [])]
    return this.node('Conv', inputs, { ...window, dilations: [1, 1], group: 1 })
  }

  /** A convolution of a ResNet and its batch norm. */
  normalisedConv(input: string, layer: Parameters<NetworkBuilder['conv']>[1] & { norm: string }): string {
    const { norm, to, name } = layer
    const shape = [to]
    const of = (value: number) => new Float32Array(to).fill(value)
    if (this.style.batchNorm === 'folded') {
      const { name: file, data } = this.store(`${norm}.bias`, shape)
      const output = this.conv(input, layer, () => file)
      this.expect(`${norm}.weight`, shape, of(1))
      this.expect(`${norm}.bias`, shape, data)
      this.expect(`${norm}.running_mean`, shape, of(0))
      this.expect(`${norm}.running_var`, shape, of(Math.fround(1 - 1e-5)))
      return output
    }
    const bias = this.style.convolutionBias ? this.store(`${name}.bias`, shape) : undefined
    const output = this.conv(input, layer, bias ? () => bias.name : undefined)
    return this.batchNorm(output, norm, to, bias?.data)
  }

  batchNorm(input: string, name: string, channels: number, bias?: Float32Array): string {
    const { epsilon } = this.style
    const [weight, offset] = [this.parameter(`${name}.weight`, [channels]), this.parameter(`${name}.bias`, [channels])]
    const mean = this.store(`${name}.running_mean`, [channels])
    const variance = this.store(`${name}.running_var`, [channels])
    const more = epsilon === undefined ? 0 : Math.fround(epsilon) - epsilonOfTorchvision
    this.expect(`${name}.running_mean`, [channels], bias ? mean.data.map((value, i) => value - bias[i]!) : mean.data)
    this.expect(
      `${name}.running_var`,
      [channels],
      variance.data.map((value) => value + more),
    )
    const attributes = epsilon === undefined ? {} : { epsilon }
    return this.node('BatchNormalization', [input, weight, offset, mean.name, variance.name], attributes)
  }

  linear(input: string, name: string, from: number, to: number): string {
    const { linear = 'Gemm', gemm = { transB: 1 } } = this.style
    const isOutIn = linear === 'Gemm' && gemm.transB === 1
    const weight = this.store(`${name}.weight`, isOutIn ? [to, from] : [from, to])
    const bias = this.store(`${name}.bias`, [to])
    const { alpha = 1, beta = 1 } = linear === 'Gemm' ? gemm : {}
    const at = (output: number, input: number) => (isOutIn ? output * from + input : input * to + output)
    const values = weight.data.map((_, i) => weight.data[at(Math.floor(i / from), i % from)]! * Math.fround(alpha))
    this.expect(`${name}.weight`, [to, from], values)
    const offsets = bias.data.map((value) => value * Math.fround(beta))
    this.expect(`${name}.bias`, [to], offsets)
    if (linear === 'Gemm') return this.node('Gemm', [input, weight.name, bias.name], gemm)
    return this.node('Add', [this.node('MatMul', [input, weight.name]), bias.name])
  }

  maxPool(input: string, kernel: number, pad: number): string {
    const window = { kernel_shape: [kernel, kernel], strides: [2, 2], pads: [pad, pad, pad, pad] }
    return this.node('MaxPool', [input], window)
  }
}

export interface ResNetOptions extends Style {
  block: 'basic' | 'bottleneck'
  /** Which convolution of a bottleneck has the stride: 1 in the ResNet of the paper, 2 in torchvision's. */
  strideIn?: 1 | 2
  layers?: readonly number[]
}

const planes = [2, 3, 4, 5, 6]

/** A ResNet with 2, 3, 4 and 5 channels in its stages (bottlenecks: twice as many come out). */
export function resnetBuilder({ block, strideIn = 2, layers = [1, 2, 1, 1], ...style }: ResNetOptions): NetworkBuilder {
  const net = new NetworkBuilder(style)
  const { sum = 'Add', shortcutFirst = false } = style
  let at = net.node('Relu', [
    net.normalisedConv('data', { name: 'conv1', norm: 'bn1', from: 3, to: 2, kernel: 7, stride: 2 }),
  ])
  at = net.maxPool(at, 3, 1)
  let from = 2
  layers.forEach((blocks, stage) => {
    const width = planes[stage]!
    const to = block === 'basic' ? width : 2 * width
    for (let index = 0; index < blocks; index++) {
      const prefix = `layer${stage + 1}.${index}`
      const stride = stage > 0 && index === 0 ? 2 : 1
      const layer = (number: number, more: { from: number; to: number; kernel: number; stride?: number }) => ({
        name: `${prefix}.conv${number}`,
        norm: `${prefix}.bn${number}`,
        ...more,
      })
      const convolutions =
        block === 'basic'
          ? [layer(1, { from, to, kernel: 3, stride }), layer(2, { from: to, to, kernel: 3 })]
          : [
              layer(1, { from, to: width, kernel: 1, stride: strideIn === 1 ? stride : 1 }),
              layer(2, { from: width, to: width, kernel: 3, stride: strideIn === 2 ? stride : 1 }),
              layer(3, { from: width, to, kernel: 1 }),
            ]
      let main = at
      convolutions.forEach((each, i) => {
        main = net.normalisedConv(main, each)
        if (i < convolutions.length - 1) main = net.node('Relu', [main])
      })
      const down = { name: `${prefix}.downsample.0`, norm: `${prefix}.downsample.1`, from, to, kernel: 1, stride }
      const shortcut = stride !== 1 || from !== to ? net.normalisedConv(at, down) : at
      at = net.node('Relu', [net.node(sum, shortcutFirst ? [shortcut, main] : [main, shortcut])])
      from = to
    }
  })
  at = net.node('Flatten', [net.node('GlobalAveragePool', [at])])
  net.linear(at, 'fc', from, 3)
  return net
}

/** A VGG of 2, 3 and 4 channels with pools behind the first and the last; its linear layers take 4 x 2 x 2 features. */
export function vggBuilder({
  withBatchNorm = false,
  ...style
}: Style & { withBatchNorm?: boolean } = {}): NetworkBuilder {
  const net = new NetworkBuilder(style)
  let [at, from, place] = ['data', 3, 0]
  for (const to of [2, 0, 3, 4, 0]) {
    if (to === 0) {
      at = net.maxPool(at, 2, 0)
      place += 1
      continue
    }
    const name = `features.${place}`
    at = net.conv(at, { name, from, to, kernel: 3 }, () => net.parameter(`${name}.bias`, [to]))
    if (withBatchNorm) at = net.batchNorm(at, `features.${++place}`, to)
    at = net.node('Relu', [at])
    place += 2
    from = to
  }
  at = net.node('Flatten', [at])
  at = net.node('Dropout', [net.node('Relu', [net.linear(at, 'classifier.0', 16, 4)])])
  at = net.node('Dropout', [net.node('Relu', [net.linear(at, 'classifier.3', 4, 5)])])
  net.linear(at, 'classifier.6', 5, 3)
  return net
}
