/** Networks that were fine-tuned here go back to PyTorch, and compute there what they compute here. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { imageDataset } from '../../src/data/index.js'
import { imagenetStatistics, normalize } from '../../src/data/transforms.js'
import { type Classifier, createModel } from '../../src/models/index.js'
import { sgd } from '../../src/optim/index.js'
import { Trainer } from '../../src/training/index.js'
import { writeStateDict } from '../../src/weights/index.js'
import { testValues } from '../support/compare.js'
import { digestsOf } from '../support/digests.js'
import { expectEqualModel, readExpected } from './expected.js'
import { runPython, whySkipped } from './python.js'

/** Software adapters take seconds for a step. */
const timeout = 600_000
const classes = ['cat', 'dog', 'horse']

/** Declares a test for each of the formats that are written. */
export function exportSuite(holder: { readonly engine: Engine }, architecture: string): void {
  const skipped = whySkipped()

  describe.skipIf(skipped !== undefined)(`${architecture}, fine-tuned, to PyTorch ${skipped ?? ''}`.trim(), () => {
    let folder: string
    let model: Classifier
    /** Of its tensors, before it was fine-tuned. */
    let imported: Record<string, string>

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'daybreak-interop-'))
      const [weights] = await runPython('generate.py', [architecture, folder, 'safetensors'])
      model = await createModel(holder.engine, architecture, { weights, numClasses: classes.length })
      imported = digestsOf(await model.stateDict())
      await fineTune(model)
      await writeStateDict(path.join(folder, 'input.safetensors'), new Map([['input', randomImages]]))
    }, timeout)
    afterAll(async () => {
      model.dispose()
      await rm(folder, { recursive: true })
    })

    test('no tensor is as it was', async () => {
      const digests = digestsOf(await model.stateDict())
      expect(Object.keys(digests).filter((name) => digests[name] === imported[name])).toEqual([])
    })

    test.each(['safetensors', 'npz'])(
      '%s is loaded strictly, and gives the same weights and logits',
      async (extension) => {
        const file = path.join(folder, `model.${extension}`)
        await writeStateDict(file, await model.stateDict())
        await runPython('load.py', [architecture, path.join(folder, 'input.safetensors'), file])
        await expectEqualModel(model, await readExpected(`${file}.expected`))
        await rm(file)
      },
      timeout,
    )
  })
}

const randomImages = {
  shape: [2, 64, 64, 3],
  dtype: 'float32',
  data: testValues(2 * 64 * 64 * 3).map((value) => (value + 1) / 2),
} as const

/** Two steps on a few small images. */
async function fineTune(model: Classifier): Promise<void> {
  const [count, side] = [8, 32]
  const images = Uint8Array.from(testValues(count * side * side * 3, 2), (value) => (value + 1) * 127.5)
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes.length)
  const data = imageDataset({ name: 'noise', images, labels, imageShape: [side, side, 3], classes })
  const optimizer = sgd(model.trainableParameters(), { lr: 0.01 })
  await new Trainer({ model, optimizer, transform: normalize(imagenetStatistics) }).fit(data, {
    epochs: 1,
    batchSize: count / 2,
  })
}
