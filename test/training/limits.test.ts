/**
 * Whole networks on an adapter on which hardly anything fits: bindings of 80 KiB, workgroups of 64 invocations, short
 * grids. Every kernel then cuts its work up, and training must come out the same.
 */
import { describe, expect, test } from 'vitest'
import { createEngine, type Engine, type EngineOptions } from '../../src/autograd/engine.js'
import { add, crossEntropy, flatten, relu } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { minivgg } from '../../src/models/index.js'
import {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  chain,
  Conv2d,
  Linear,
  MaxPool2d,
  Module,
  Sequential,
} from '../../src/nn/index.js'
import * as optim from '../../src/optim/index.js'
import { testValues } from '../support/compare.js'
import { tinyLimits } from '../support/engine.js'

/** A convolution's weight has to fit a binding, and MiniVGG's largest has 72 KiB; linear layers are cut. */
const limits = { ...tinyLimits, maxStorageBufferBindingSize: 80 * 1024 }

/** What ResNets are made of, once each. */
class TinyResNet extends Module {
  readonly conv1: Conv2d
  readonly bn1: BatchNorm2d
  readonly maxpool: MaxPool2d
  readonly conv2: Conv2d
  readonly bn2: BatchNorm2d
  readonly downsample: Sequential
  readonly avgpool: AdaptiveAvgPool2d
  readonly fc: Linear

  constructor(engine: Engine) {
    super(engine)
    this.conv1 = new Conv2d(engine, 3, 24, 7, { stride: 2, padding: 3, bias: false })
    this.bn1 = new BatchNorm2d(engine, 24)
    this.maxpool = new MaxPool2d(engine, 3, { stride: 2, padding: 1 })
    this.conv2 = new Conv2d(engine, 24, 64, 3, { stride: 2, padding: 1, bias: false })
    this.bn2 = new BatchNorm2d(engine, 64)
    this.downsample = new Sequential(engine, [
      new Conv2d(engine, 24, 64, 1, { stride: 2, bias: false }),
      new BatchNorm2d(engine, 64),
    ])
    this.avgpool = new AdaptiveAvgPool2d(engine, 3)
    this.fc = new Linear(engine, 64 * 9, 40)
  }

  override forward(input: Tensor): Tensor {
    const x = this.maxpool.call(relu(chain(input, this.conv1, this.bn1)))
    const y = relu(add(chain(x, this.conv2, this.bn2), this.downsample.call(x)))
    return this.fc.call(flatten(this.avgpool.call(y)))
  }
}

interface Run {
  readonly losses: number[]
  /** The largest parameter in bytes. */
  readonly largest: number
}

async function trainOn(
  options: EngineOptions,
  build: (engine: Engine) => Module | Promise<Module>,
  [n, h, w, c]: readonly [number, number, number, number],
): Promise<Run> {
  const engine = await createEngine({ ...options, seed: 1 })
  try {
    const model = await build(engine)
    const optimizer = optim.adam(model.trainableParameters(), { lr: 1e-3 })
    const images = testValues(n * h * w * c, 5)
    const labels = Int32Array.from({ length: n }, (_, i) => i % 4)
    const losses: number[] = []
    for (let step = 0; step < 4; step++) {
      const loss = engine.scope(() => {
        const logits = model.call(engine.tensor(images, [n, h, w, c]))
        const mean = crossEntropy(logits, engine.tensor(labels))
        optimizer.zeroGrad()
        mean.backward()
        optimizer.step()
        return mean
      })
      losses.push((await loss.toArray())[0]!)
    }
    return { losses, largest: Math.max(...model.parameters().map(({ size }) => size * 4)) }
  } finally {
    engine.destroy()
  }
}

describe('training with tiny limits', () => {
  test.each([
    ['MiniVGG', minivgg, [6, 28, 28, 1]],
    ['a network of the parts of ResNets', (engine: Engine) => new TinyResNet(engine), [6, 47, 47, 3]],
  ] as const)('%s', async (_name, build, input) => {
    const usual = await trainOn({}, build, input)
    const tiny = await trainOn({ requiredLimits: limits }, build, input)
    expect(usual.largest, 'a parameter that does not fit a binding').toBeGreaterThan(limits.maxStorageBufferBindingSize)
    expect(usual.losses[3]!).toBeLessThan(usual.losses[0]! * 0.9)
    // The parts add up in another order, so last bits differ (2e-7 of the loss was seen), and Adam carries them on.
    for (const [step, loss] of usual.losses.entries()) {
      expect(Math.abs(tiny.losses[step]! / loss - 1), `the loss of step ${step}`).toBeLessThan(1e-5)
    }
  })
})
