/**
 * ResNet-50 and ResNet-18 with real weights: what they see in photos, against what PyTorch 1.13 computes with the same
 * weights. Skipped where the weights are not there: see test/support/shared-data.ts.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { resnet18, resnet50 } from '../../src/models/index.js'
import { expectClose } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { missingSharedFile, readPhoto, readQuantised, readShared, sharedPath, toNHWC } from '../support/shared-data.js'

const holder = useEngine()

/** What the project promises; measured on SwiftShader: 1.3e-6. */
const tolerance = 1e-3
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
    `the first guess for each photo${title}`,
    async () => {
      const { engine } = holder
      const model = await build()
      type Guess = [index: number, name: string, probability: number]
      const predictions = Object.entries(
        JSON.parse(readFileSync(sharedPath('photos/predictions.json'), 'utf8')) as Record<
          string,
          Record<string, Guess[]>
        >,
      )
      expect(predictions.length).toBeGreaterThan(0)
      const guesses: Record<string, number> = {}
      for (const [photo] of predictions) {
        const pixels = await readPhoto(`photos/${photo}`)
        const logits = engine.noGrad(() => engine.scope(() => model.call(engine.tensor(pixels, [1, 224, 224, 3]))))
        const values = [...(await logits.toArray())]
        guesses[photo] = values.indexOf(Math.max(...values))
      }
      expect(guesses).toEqual(
        Object.fromEntries(predictions.map(([photo, guess]) => [photo, guess[architecture]![0]![0]])),
      )
      model.dispose()
    },
    timeout,
  )
})
