/** The run that determinism.test.ts repeats, in this process and in another. */
import { createHash } from 'node:crypto'
import { createEngine } from '../../src/autograd/engine.js'
import { compose, grayscale, normalize } from '../../src/data/transforms.js'
import { resnet18 } from '../../src/models/index.js'
import * as optim from '../../src/optim/index.js'
import { Trainer } from '../../src/training/index.js'
import { cornerDataset } from '../support/digits.js'

export interface Run {
  readonly losses: readonly number[]
  /** SHA-256 over the state dict. */
  readonly weights: string
}

/** Trains ResNet-18 for two steps of four images of 32x32. */
export async function trainResNet18(freezeUntil: string | undefined, seed: number): Promise<Run> {
  const engine = await createEngine({ seed })
  try {
    const model = await resnet18(engine, { numClasses: 4 })
    if (freezeUntil !== undefined) model.freeze({ until: freezeUntil })
    const optimizer = optim.adam(model.trainableParameters(), { lr: 1e-3 })
    const transform = compose([grayscale(3), normalize({ mean: [0.5], std: [0.5] })])
    const trainer = new Trainer({ model, optimizer, transform })
    const [epoch] = await trainer.fit(cornerDataset(8, 32), { epochs: 1, batchSize: 4, seed })
    const hash = createHash('sha256')
    for (const [name, { data }] of await model.stateDict()) {
      hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    }
    return { losses: epoch!.losses, weights: hash.digest('hex') }
  } finally {
    engine.destroy()
  }
}
