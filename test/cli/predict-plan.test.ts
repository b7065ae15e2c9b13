/** What `daybreak predict` takes for granted about images, by where the weights come from. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { planOf, type PlanOptions, type PredictionPlan } from '../../src/cli/predict-plan.js'
import type { CheckpointDescription } from '../../src/training/index.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-plan-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Writes the description of a checkpoint of MNIST, with changes, and gives the path without its extension. */
async function checkpoint(changes: Partial<CheckpointDescription> = {}): Promise<string> {
  const description: CheckpointDescription = {
    format: 'daybreak-checkpoint',
    version: 1,
    model: 'minivgg',
    classes: ['0', '1'],
    imageShape: [28, 28, 1],
    transform: [{ name: 'normalize', mean: [0.5], std: [0.5] }],
    training: {
      position: { epoch: 2, step: 0 },
      seed: 0,
      random: { seed: 0, stream: 0 },
      history: [],
    },
    ...changes,
  }
  await writeFile(path.join(folder, 'model.json'), JSON.stringify(description))
  return path.join(folder, 'model')
}

describe('sizes, channels and normalisation', () => {
  test.each<[options: PlanOptions, plan: Partial<PredictionPlan>]>([
    [{ weights: 'imagenet' }, { model: 'resnet50', image: { resize: 256, crop: 224 } }],
    [
      { weights: 'imagenet-v2', model: 'resnet101' },
      { model: 'resnet101', image: { resize: 232, crop: 224 } },
    ],
    [
      { weights: 'x.npz', model: 'vgg16' },
      { model: 'vgg16', image: { resize: 256, crop: 224 } },
    ],
    [{ weights: 'x.npz', resize: 300 }, { image: { resize: 300, crop: 224 } }],
    [{ weights: 'x.npz', crop: 256 }, { image: { resize: 256, crop: 256 } }],
    [{ weights: 'x.npz', crop: 257 }, { image: { resize: 257, crop: 257 } }],
    [{ weights: 'x.npz', resize: 100, crop: 257 }, { image: { resize: 100, crop: 257 } }],
    [
      { weights: 'x.npz', model: 'minivgg' },
      { model: 'minivgg', image: { resize: 28, crop: 28, channels: 1 } },
    ],
  ])('%o', async (options, plan) => {
    const { transform, ...rest } = await planOf(options)
    expect(rest).toMatchObject({ weights: options.weights, ...plan })
    const grey = [{ name: 'normalize', mean: [0.5], std: [0.5] }]
    expect(transform?.description).toEqual(options.model === 'minivgg' ? grey : undefined)
  })

  test('of a checkpoint: as it was trained, or resized to what is asked for', async () => {
    const weights = await checkpoint()
    const image = { resize: 28, crop: [28, 28], channels: 1 }
    for (const extension of ['', '.json', '.safetensors']) {
      const { transform, ...plan } = await planOf({ weights: `${weights}${extension}` })
      expect(plan).toEqual({ model: 'minivgg', weights: `${weights}.safetensors`, classes: ['0', '1'], image })
      expect(transform!.description).toEqual([{ name: 'normalize', mean: [0.5], std: [0.5] }])
    }
    expect((await planOf({ weights, resize: 32 })).image).toEqual({ ...image, resize: 32 })
    expect((await planOf({ weights, crop: 40 })).image).toEqual({ resize: 40, crop: 40, channels: 1 })
  })

  test('of a checkpoint of images that are no squares', async () => {
    const weights = await checkpoint({ imageShape: [32, 48, 3], model: 'resnet18' })
    expect((await planOf({ weights })).image).toEqual({ resize: 32, crop: [32, 48], channels: 3 })
  })

  test.each<[what: string, changes: Partial<CheckpointDescription>, channels: 1 | 3]>([
    ['colour', { model: 'resnet18', transform: [] }, 3],
    ['grey, if its transform repeats grey', { model: 'resnet18', transform: [{ name: 'grayscale', channels: 3 }] }, 1],
    ['grey, if the model takes grey', { model: 'minivgg', transform: [] }, 1],
  ])('of a checkpoint that does not tell its images: %s', async (_what, changes, channels) => {
    const weights = await checkpoint({ ...changes, imageShape: undefined })
    expect((await planOf({ weights, crop: 30 })).image).toEqual({ resize: 30, crop: 30, channels })
    expect((await planOf({ weights, crop: 30, resize: 35 })).image).toEqual({ resize: 35, crop: 30, channels })
    await expect(planOf({ weights, resize: 30 })).rejects.toThrow(/^crop: expected a size, as .*model\.json does not/)
  })
})
