/**
 * ResNet-50 and ResNet-18 with real weights: what they see in photos, against what PyTorch 1.13 computes with the same
 * weights. Skipped where the weights are not there: see test/support/shared-data.ts.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { imagenetClasses, readImages } from '../../src/data/index.js'
import { resnet18, resnet50 } from '../../src/models/index.js'
import { predict } from '../../src/training/index.js'
import { expectClose } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { missingSharedFile, readQuantised, readShared, sharedPath, toNHWC } from '../support/shared-data.js'

const holder = useEngine()

/** What the project promises; measured on SwiftShader: 1.3e-6. */
const tolerance = 1e-3
/**
 * Of a probability. PyTorch's are rounded to 4 digits and belong to the same pixels, which the next release of a JPEG decoder
 * may round otherwise; measured: 5e-5.
 */
const guessTolerance = 1e-3
/** Software adapters take seconds for a photo. */
const timeout = 600_000

const architectures = [
  ['resnet50', resnet50],
  ['resnet18', resnet18],
] as const

describe.each(architectures)('pretrained %s', (architecture, create) => {
  const weights = `imagenet/${architecture}_imagenet.pq.safetensors`
  const missing = missingSharedFile([weights, 'imagenet/golden_cat.safetensors', 'photos/predictions.json'])
  const title = missing === undefined ? '' : ` (skipped: ${missing} is missing)`

  const build = async () => {
    const model = await create(holder.engine)
    model.loadStateDict(readQuantised(weights, architecture))
    return model.eval()
  }

  test.skipIf(missing)(
    `logits of the cat${title}`,
    async () => {
      const { engine } = holder
      const model = await build()
      const golden = readShared('imagenet/golden_cat.safetensors')
      const input = engine.tensor(toNHWC(golden.get('input')!), [1, 224, 224, 3])
      const logits = await engine.noGrad(() => model.call(input)).toArray()
      expectClose(logits, golden.get(`${architecture}.logits`)!.data as Float32Array, tolerance, 'logits')
      model.dispose()
    },
    timeout,
  )

  test.skipIf(missing)(
    `what it sees in each photo, from the file on${title}`,
    async () => {
      const model = await build()
      type Guess = [index: number, name: string, probability: number]
      const photos = JSON.parse(readFileSync(sharedPath('photos/predictions.json'), 'utf8')) as Record<
        string,
        Record<string, Guess[]>
      >
      expect(Object.keys(photos)).toHaveLength(7)
      const images = await readImages(Object.keys(photos).map((photo) => sharedPath(`photos/${photo}`)))
      const predictions = await predict(model, images, { classes: imagenetClasses, probabilities: true, batchSize: 4 })
      Object.entries(photos).forEach(([photo, guesses], i) => {
        const expected = guesses[architecture]!
        const { top, probabilities } = predictions[i]!
        expect([top[0]!.index, top[0]!.name], photo).toEqual(expected[0]!.slice(0, 2))
        for (const [index, name, probability] of expected) {
          expect(imagenetClasses[index]).toBe(name)
          expect(Math.abs(probabilities![index]! - probability), `${photo}: ${name}`).toBeLessThan(guessTolerance)
        }
      })
      model.dispose()
    },
    timeout,
  )
})
