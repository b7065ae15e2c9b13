/** A network in VGG's style that is small enough for digits: three convolutions and one linear layer. */
import { flatten } from '../autograd/ops/flatten.js'
import type { Engine } from '../autograd/engine.js'
import type { Tensor } from '../autograd/tensor.js'
import { AdaptiveAvgPool2d, chain, Conv2d, type Linear, MaxPool2d, ReLU, Sequential } from '../nn/index.js'
import { Classifier, type ClassifierOptions, createClassifier } from './classifier.js'
import { fused } from './fuse.js'

export type MiniVGGOptions = ClassifierOptions

/** Grey images [N, H, W, 1] -> logits [N, numClasses]; H and W of 28 were meant, 8 and more work. */
export class MiniVGG extends Classifier {
  readonly headName = 'classifier'
  readonly features: Sequential
  readonly avgpool: AdaptiveAvgPool2d
  classifier: Linear

  constructor(engine: Engine, { numClasses = 10 }: { numClasses?: number } = {}) {
    super(engine, 'minivgg')
    this.features = new Sequential(engine, [
      new Conv2d(engine, 1, 16, 3, { padding: 1 }),
      new ReLU(engine),
      new MaxPool2d(engine, 2),
      new Conv2d(engine, 16, 32, 3, { padding: 1 }),
      new ReLU(engine),
      new MaxPool2d(engine, 2),
      new Conv2d(engine, 32, 64, 3, { padding: 1 }),
      new ReLU(engine),
      new MaxPool2d(engine, 2),
    ])
    this.avgpool = new AdaptiveAvgPool2d(engine, 7)
    this.classifier = this.makeHead(64 * 7 * 7, numClasses)
  }

  protected override get head(): Linear {
    return this.classifier
  }

  protected override set head(head: Linear) {
    this.classifier = head
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

  override fuse(): MiniVGG {
    const { engine, numClasses } = this
    return fused(this, () => new MiniVGG(engine, { numClasses }))
  }
}

/** MiniVGG: 54,666 parameters. Parameters begin as PyTorch's layers do. */
export function minivgg(engine: Engine, options: MiniVGGOptions = {}): Promise<MiniVGG> {
  return createClassifier(engine, 'minivgg', options, 'classifier', (numClasses) => new MiniVGG(engine, { numClasses }))
}
