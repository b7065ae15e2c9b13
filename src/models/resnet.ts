/**
 * ResNet (He et al., 2015, https://arxiv.org/abs/1512.03385), line by line as in torchvision 0.14: the names of the
 * parameters, their order, and their initial values are the same.
 */
import { flatten } from '../autograd/ops/flatten.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError } from '../device/errors.js'
import { FusedConv2d } from '../nn/fused-conv2d.js'
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  chain,
  Conv2d,
  type Conv2dOptions,
  Identity,
  init,
  type Linear,
  MaxPool2d,
  Module,
  ReLU,
  residual,
  Sequential,
} from '../nn/index.js'
import { Classifier, type ClassifierOptions, createClassifier } from './classifier.js'
import { fused, type NormLayer } from './fuse.js'

/** What the blocks of a network have in common. */
interface BlockOptions {
  /** What follows each convolution; batch norms by default. */
  readonly normLayer?: NormLayer
  /** Only for bottlenecks; see `ResNetArchitectureOptions`. */
  readonly bottleneckStride?: BottleneckStride
}

/** A 3x3 convolution with padding. */
function conv3x3(engine: Engine, inPlanes: number, outPlanes: number, normLayer: NormLayer, stride = 1): Conv2d {
  return conv(engine, inPlanes, outPlanes, 3, normLayer, { stride, padding: 1 })
}

/** A 1x1 convolution. */
function conv1x1(engine: Engine, inPlanes: number, outPlanes: number, normLayer: NormLayer, stride = 1): Conv2d {
  return conv(engine, inPlanes, outPlanes, 1, normLayer, { stride })
}

/** A convolution without bias, as a batch norm follows that has one; or one that does the batch norm's work as well. */
function conv(
  engine: Engine,
  inPlanes: number,
  outPlanes: number,
  kernelSize: number,
  normLayer: NormLayer,
  options: Conv2dOptions,
): Conv2d {
  return normLayer === Identity
    ? new FusedConv2d(engine, inPlanes, outPlanes, kernelSize, options)
    : new Conv2d(engine, inPlanes, outPlanes, kernelSize, { ...options, bias: false, init: kaiming })
}

function kaiming(weight: Tensor): void {
  init.kaimingNormal(weight, { mode: 'fanOut', nonlinearity: 'relu' })
}

/** Two 3x3 convolutions and a shortcut: the block of ResNet-18 and ResNet-34. */
export class BasicBlock extends Module {
  static readonly expansion = 1
  readonly conv1: Conv2d
  readonly bn1: BatchNorm2d | Identity
  readonly relu: ReLU
  readonly conv2: Conv2d
  readonly bn2: BatchNorm2d | Identity
  readonly downsample: Sequential | undefined

  constructor(
    engine: Engine,
    inPlanes: number,
    planes: number,
    stride = 1,
    downsample?: Sequential,
    { normLayer = BatchNorm2d }: BlockOptions = {},
  ) {
    super(engine)
    this.conv1 = conv3x3(engine, inPlanes, planes, normLayer, stride)
    this.bn1 = new normLayer(engine, planes)
    this.relu = new ReLU(engine)
    this.conv2 = conv3x3(engine, planes, planes, normLayer)
    this.bn2 = new normLayer(engine, planes)
    this.downsample = downsample
  }

  override forward(input: Tensor): Tensor {
    const first = [this.conv1, this.bn1, this.relu]
    const second = [this.conv2, this.bn2]
    return chain(input, ...first, ...second, residual(input, this.downsample), this.relu)
  }
}

/**
 * 1x1, 3x3 and 1x1 convolutions and a shortcut: the block of ResNet-50 and deeper. As in torchvision the stride is in the
 * 3x3 convolution, not in the first 1x1 as in the paper (known as ResNet v1.5), unless `bottleneckStride` says so.
 */
export class Bottleneck extends Module {
  static readonly expansion = 4
  readonly conv1: Conv2d
  readonly bn1: BatchNorm2d | Identity
  readonly conv2: Conv2d
  readonly bn2: BatchNorm2d | Identity
  readonly conv3: Conv2d
  readonly bn3: BatchNorm2d | Identity
  readonly relu: ReLU
  readonly downsample: Sequential | undefined

  constructor(
    engine: Engine,
    inPlanes: number,
    planes: number,
    stride = 1,
    downsample?: Sequential,
    { normLayer = BatchNorm2d, bottleneckStride = '3x3' }: BlockOptions = {},
  ) {
    super(engine)
    const [stride1, stride2] = bottleneckStride === '1x1' ? [stride, 1] : [1, stride]
    this.conv1 = conv1x1(engine, inPlanes, planes, normLayer, stride1)
    this.bn1 = new normLayer(engine, planes)
    this.conv2 = conv3x3(engine, planes, planes, normLayer, stride2)
    this.bn2 = new normLayer(engine, planes)
    this.conv3 = conv1x1(engine, planes, planes * Bottleneck.expansion, normLayer)
    this.bn3 = new normLayer(engine, planes * Bottleneck.expansion)
    this.relu = new ReLU(engine)
    this.downsample = downsample
  }

  override forward(input: Tensor): Tensor {
    const reduced = [this.conv1, this.bn1, this.relu]
    const spatial = [this.conv2, this.bn2, this.relu]
    const expanded = [this.conv3, this.bn3]
    return chain(input, ...reduced, ...spatial, ...expanded, residual(input, this.downsample), this.relu)
  }
}

type Block = typeof BasicBlock | typeof Bottleneck
type Layers = readonly [number, number, number, number]

const bottleneckStrides = ['3x3', '1x1'] as const
/** Which convolution of a bottleneck has the stride. */
export type BottleneckStride = (typeof bottleneckStrides)[number]

export interface ResNetArchitectureOptions {
  /** 1000 by default. */
  numClasses?: number
  /** Whether each block begins as the identity, by a zero weight in its last batch norm; not by default. */
  zeroInitResidual?: boolean
  /**
   * Which convolution has the stride in the first bottleneck of a stage: the `3x3` as in torchvision (the default), or the
   * first `1x1` as in the paper, and in Keras' and MXNet's files of ResNet v1. Parameters are the same, logits are not. Of
   * no effect on ResNet-18 and ResNet-34, which have no bottlenecks.
   */
  bottleneckStride?: BottleneckStride
  /** What follows each convolution; batch norms by default, `Identity` after `fuse()`. */
  normLayer?: NormLayer
}

export type ResNetOptions = ClassifierOptions & Pick<ResNetArchitectureOptions, 'zeroInitResidual' | 'bottleneckStride'>

/** Images [N, H, W, 3] -> logits [N, numClasses]; H and W of 224 were meant, 32 and more work. */
export class ResNet extends Classifier {
  readonly headName = 'fc'
  readonly conv1: Conv2d
  readonly bn1: BatchNorm2d | Identity
  readonly relu: ReLU
  readonly maxpool: MaxPool2d
  readonly layer1: Sequential
  readonly layer2: Sequential
  readonly layer3: Sequential
  readonly layer4: Sequential
  readonly avgpool: AdaptiveAvgPool2d
  fc: Linear
  /** Which convolution of its bottlenecks, if it has any, has the stride. */
  readonly bottleneckStride: BottleneckStride
  readonly #normLayer: NormLayer
  #inPlanes = 64

  /** @param layers how many blocks each of the four stages has */
  constructor(
    engine: Engine,
    architecture: string,
    private readonly block: Block,
    private readonly layers: Layers,
    options: ResNetArchitectureOptions = {},
  ) {
    super(engine, architecture)
    const { numClasses = 1000, zeroInitResidual = false, bottleneckStride = '3x3', normLayer = BatchNorm2d } = options
    if (!bottleneckStrides.includes(bottleneckStride)) {
      throw new OptionError('bottleneckStride', `one of ${bottleneckStrides.join(', ')}`, bottleneckStride)
    }
    this.bottleneckStride = bottleneckStride
    this.#normLayer = normLayer
    this.conv1 = conv(engine, 3, 64, 7, normLayer, { stride: 2, padding: 3 })
    this.bn1 = new normLayer(engine, 64)
    this.relu = new ReLU(engine)
    this.maxpool = new MaxPool2d(engine, 3, { stride: 2, padding: 1 })
    this.layer1 = this.#makeLayer(block, 64, layers[0])
    this.layer2 = this.#makeLayer(block, 128, layers[1], 2)
    this.layer3 = this.#makeLayer(block, 256, layers[2], 2)
    this.layer4 = this.#makeLayer(block, 512, layers[3], 2)
    this.avgpool = new AdaptiveAvgPool2d(engine, 1)
    this.fc = this.makeHead(512 * block.expansion, numClasses)

    if (!zeroInitResidual) return
    for (const module of this.namedModules().values()) {
      const last = module instanceof BasicBlock ? module.bn2 : module instanceof Bottleneck ? module.bn3 : undefined
      if (last instanceof BatchNorm2d) init.constant(last.weight, 0)
    }
  }

  #makeLayer(block: Block, planes: number, blocks: number, stride = 1): Sequential {
    const { engine, bottleneckStride } = this
    const normLayer = this.#normLayer
    const options = { normLayer, bottleneckStride }
    const outPlanes = planes * block.expansion
    const downsample =
      stride !== 1 || this.#inPlanes !== outPlanes
        ? new Sequential(engine, [
            conv1x1(engine, this.#inPlanes, outPlanes, normLayer, stride),
            new normLayer(engine, outPlanes),
          ])
        : undefined
    const layers = [new block(engine, this.#inPlanes, planes, stride, downsample, options)]
    this.#inPlanes = outPlanes
    for (let i = 1; i < blocks; i++) {
      layers.push(new block(engine, this.#inPlanes, planes, 1, undefined, options))
    }
    return new Sequential(engine, layers)
  }

  protected override get head(): Linear {
    return this.fc
  }

  protected override set head(head: Linear) {
    this.fc = head
  }

  override get metadata(): Readonly<Record<string, string>> {
    return this.bottleneckStride === '1x1' ? { resnet_stride: '1x1' } : {}
  }

  /** A block keeps its input. */
  override checkpointActivations(enabled = true): this {
    for (const layer of [this.layer1, this.layer2, this.layer3, this.layer4]) {
      for (const block of layer.children.values()) block.checkpointed = enabled
    }
    return this
  }

  override forward(input: Tensor): Tensor {
    let x = chain(input, this.conv1, this.bn1, this.relu, this.maxpool)
    x = chain(x, this.layer1, this.layer2, this.layer3, this.layer4)
    x = this.avgpool.call(x)
    x = flatten(x)
    return this.fc.call(x)
  }

  override fuse(): ResNet {
    const { engine, architecture, block, layers, numClasses, bottleneckStride } = this
    const options = { numClasses, bottleneckStride, normLayer: Identity }
    return fused(this, () => new ResNet(engine, architecture, block, layers, options))
  }
}

function resnet(
  engine: Engine,
  architecture: string,
  block: Block,
  layers: Layers,
  { zeroInitResidual, bottleneckStride, ...options }: ResNetOptions,
): Promise<ResNet> {
  return createClassifier(engine, architecture, options, 'fc', (numClasses, metadata) => {
    const strideOfFile = metadata.resnet_stride === '1x1' ? '1x1' : '3x3'
    return new ResNet(engine, architecture, block, layers, {
      numClasses,
      zeroInitResidual,
      bottleneckStride: bottleneckStride ?? strideOfFile,
    })
  })
}

/** ResNet-18: 11.7 million parameters, 1.8 GFLOP (multiply-adds) for an image of 224x224. */
export function resnet18(engine: Engine, options: ResNetOptions = {}): Promise<ResNet> {
  return resnet(engine, 'resnet18', BasicBlock, [2, 2, 2, 2], options)
}

/** ResNet-34: 21.8 million parameters, 3.7 GFLOP (multiply-adds) for an image of 224x224. */
export function resnet34(engine: Engine, options: ResNetOptions = {}): Promise<ResNet> {
  return resnet(engine, 'resnet34', BasicBlock, [3, 4, 6, 3], options)
}

/** ResNet-50: 25.6 million parameters, 4.1 GFLOP (multiply-adds) for an image of 224x224. */
export function resnet50(engine: Engine, options: ResNetOptions = {}): Promise<ResNet> {
  return resnet(engine, 'resnet50', Bottleneck, [3, 4, 6, 3], options)
}

/** ResNet-101: 44.5 million parameters, 7.8 GFLOP (multiply-adds) for an image of 224x224. */
export function resnet101(engine: Engine, options: ResNetOptions = {}): Promise<ResNet> {
  return resnet(engine, 'resnet101', Bottleneck, [3, 4, 23, 3], options)
}
