/**
 * VGG (Simonyan and Zisserman, 2014, https://arxiv.org/abs/1409.1556), line by line as in torchvision 0.14: the names
 * of the parameters, their order, and their initial values are the same.
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
  Dropout,
  Identity,
  init,
  Linear,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
} from '../nn/index.js'
import { Classifier, type ClassifierOptions, createClassifier } from './classifier.js'
import { fused, type NormLayer } from './fuse.js'

/** Output channels of the convolutions, and M for a max pool. */
export type VGGConfiguration = readonly (number | 'M')[]

export interface VGGArchitectureOptions {
  /** 1000 by default. */
  numClasses?: number
  /** The probability of both dropout layers; 0.5 by default. */
  dropout?: number
  /** What follows each convolution; nothing by default, `Identity` where `fuse()` has folded a batch norm. */
  normLayer?: NormLayer
}

export type VGGOptions = ClassifierOptions & Pick<VGGArchitectureOptions, 'dropout'>

/** Images [N, H, W, 3] -> logits [N, numClasses]; H and W of 224 were meant, 32 and more work. */
export class VGG extends Classifier {
  readonly headName = 'classifier.6'
  readonly features: Sequential
  readonly avgpool: AdaptiveAvgPool2d
  readonly classifier: Sequential
  readonly #normLayer: NormLayer | undefined
  readonly #dropout: number

  constructor(
    engine: Engine,
    architecture: string,
    private readonly configuration: VGGConfiguration,
    { numClasses = 1000, dropout = 0.5, normLayer }: VGGArchitectureOptions = {},
  ) {
    super(engine, architecture)
    this.#normLayer = normLayer
    this.#dropout = dropout
    this.features = makeLayers(engine, configuration, normLayer)
    this.avgpool = new AdaptiveAvgPool2d(engine, 7)
    this.classifier = new Sequential(engine, [
      linear(engine, 512 * 7 * 7, 4096),
      new ReLU(engine),
      new Dropout(engine, { p: dropout }),
      linear(engine, 4096, 4096),
      new ReLU(engine),
      new Dropout(engine, { p: dropout }),
      this.makeHead(4096, numClasses),
    ])
  }

  protected override makeHead(inFeatures: number, numClasses: number): Linear {
    return linear(this.engine, inFeatures, numClasses)
  }

  protected override get head(): Linear {
    const last = this.classifier.at(-1)
    if (last instanceof Linear) return last
    throw new OptionError('classifier', 'a Linear as last layer', last.typeName)
  }

  protected override set head(head: Linear) {
    this.classifier.replace(-1, head)
  }

  /** What comes between two max pools keeps its input. */
  override checkpointActivations(enabled = true): this {
    const modules = [...this.features.children.values()]
    const afterPools = modules.flatMap((module, i) => (module instanceof MaxPool2d ? [i + 1] : []))
    this.features.checkpointStages = enabled ? afterPools : []
    return this
  }

  override forward(input: Tensor): Tensor {
    let x = chain(input, this.features, this.avgpool)
    x = flatten(x)
    return this.classifier.call(x)
  }

  override fuse(): VGG {
    const { engine, architecture, configuration, numClasses } = this
    const options = { numClasses, dropout: this.#dropout, normLayer: this.#normLayer && Identity }
    return fused(this, () => new VGG(engine, architecture, configuration, options))
  }
}

/** A 3x3 convolution with padding, and its initial values in VGG; or one that does a batch norm's work as well. */
function conv3x3(engine: Engine, inChannels: number, outChannels: number, normLayer: NormLayer | undefined): Conv2d {
  if (normLayer === Identity) return new FusedConv2d(engine, inChannels, outChannels, 3, { padding: 1 })
  const kaiming = (weight: Tensor) => init.kaimingNormal(weight, { mode: 'fanOut', nonlinearity: 'relu' })
  const layer = new Conv2d(engine, inChannels, outChannels, 3, { padding: 1, init: kaiming })
  init.constant(layer.bias!, 0)
  return layer
}

/** A linear layer, and its initial values in VGG. */
function linear(engine: Engine, inFeatures: number, outFeatures: number): Linear {
  const layer = new Linear(engine, inFeatures, outFeatures, { init: (weight) => init.normal(weight, { std: 0.01 }) })
  init.constant(layer.bias!, 0)
  return layer
}

function makeLayers(engine: Engine, configuration: VGGConfiguration, normLayer: NormLayer | undefined): Sequential {
  const layers: Module[] = []
  let inChannels = 3
  for (const item of configuration) {
    if (item === 'M') {
      layers.push(new MaxPool2d(engine, 2, { stride: 2 }))
    } else {
      layers.push(conv3x3(engine, inChannels, item, normLayer))
      if (normLayer) layers.push(new normLayer(engine, item))
      layers.push(new ReLU(engine))
      inChannels = item
    }
  }
  return new Sequential(engine, layers)
}

const configurations = {
  A: [64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'],
  B: [64, 64, 'M', 128, 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'],
  D: [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M'],
  E: [64, 64, 'M', 128, 128, 'M', 256, 256, 256, 256, 'M', 512, 512, 512, 512, 'M', 512, 512, 512, 512, 'M'],
} as const

function vgg(
  engine: Engine,
  architecture: string,
  configuration: keyof typeof configurations,
  batchNorm: boolean,
  { dropout, ...options }: VGGOptions,
): Promise<VGG> {
  return createClassifier(engine, architecture, options, 'classifier.6', (numClasses) => {
    const normLayer = batchNorm ? BatchNorm2d : undefined
    return new VGG(engine, architecture, configurations[configuration], { numClasses, dropout, normLayer })
  })
}

/** VGG-11: 132.9 million parameters, 7.6 GFLOP (multiply-adds) for an image of 224x224. */
export function vgg11(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg11', 'A', false, options)
}

/** VGG-11 with batch norm. */
export function vgg11Bn(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg11_bn', 'A', true, options)
}

/** VGG-13: 133.0 million parameters, 11.3 GFLOP (multiply-adds) for an image of 224x224. */
export function vgg13(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg13', 'B', false, options)
}

/** VGG-13 with batch norm. */
export function vgg13Bn(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg13_bn', 'B', true, options)
}

/** VGG-16: 138.4 million parameters, 15.5 GFLOP (multiply-adds) for an image of 224x224. */
export function vgg16(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg16', 'D', false, options)
}

/** VGG-16 with batch norm. */
export function vgg16Bn(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg16_bn', 'D', true, options)
}

/** VGG-19: 143.7 million parameters, 19.6 GFLOP (multiply-adds) for an image of 224x224. */
export function vgg19(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg19', 'E', false, options)
}

/** VGG-19 with batch norm. */
export function vgg19Bn(engine: Engine, options: VGGOptions = {}): Promise<VGG> {
  return vgg(engine, 'vgg19_bn', 'E', true, options)
}
