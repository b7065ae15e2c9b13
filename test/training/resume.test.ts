/** Stopping and going on: what a run may change when it is resumed, and what no checkpoint may hold. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { normalize } from '../../src/data/transforms.js'
import { NonFiniteLossError, OptionError, WeightsError } from '../../src/device/errors.js'
import { Flatten, Linear, Sequential } from '../../src/nn/index.js'
import * as optim from '../../src/optim/index.js'
import { Trainer } from '../../src/training/index.js'
import { cornerDataset } from '../support/digits.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const train = cornerDataset(32)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-resume-'))
})
afterAll(() => rm(folder, { recursive: true }))

function makeTrainer(options: { lr?: number; schedule?: boolean } = {}): Trainer {
  const { engine } = holder
  engine.manualSeed(3)
  const [height, width, channels] = train.imageShape
  const model = new Sequential(engine, [new Flatten(engine), new Linear(engine, height * width * channels, 4)])
  const optimizer = optim.sgd(model.trainableParameters(), { lr: options.lr ?? 0.01 })
  const scheduler = options.schedule ? new optim.CosineAnnealingLR(optimizer, { tMax: 100 }) : undefined
  return new Trainer({ model, optimizer, scheduler, transform: normalize({ mean: [0.5], std: [0.5] }) })
}

/** A trainer that was stopped after two of its steps, with a checkpoint. */
async function interruptedIn(file: string, batchSize: number): Promise<Trainer> {
  const trainer = makeTrainer()
  let asked = 0
  const signal = {
    get aborted() {
      return asked++ >= 2
    },
  } as AbortSignal
  const history = await trainer.fit(train, { epochs: 2, batchSize, checkpoint: file, signal, seed: 9 })
  expect(history.interrupted).toBe(true)
  return trainer
}

describe('an interrupted epoch', () => {
  test('goes on only with the batches it was cut into', async () => {
    const file = path.join(folder, 'cut')
    await interruptedIn(file, 8)
    const resume = (batchSize: number, images = 32) =>
      makeTrainer().fit(cornerDataset(images), { epochs: 1, batchSize, resume: file })
    await expect(resume(4)).rejects.toThrow(OptionError)
    await expect(resume(4)).rejects.toThrow(/batches of 8 of 32 images.* got "4 of 32"/)
    await expect(resume(8, 24)).rejects.toThrow(/8 of 24/)
    const history = await resume(8)
    expect(history).toHaveLength(1)
    expect(history.interrupted).toBe(false)
  })

  test('goes on in the same trainer too, and is no longer called interrupted', async () => {
    const trainer = await interruptedIn(path.join(folder, 'same'), 8)
    const history = await trainer.fit(train, { epochs: 2, batchSize: 8, seed: 9 })
    expect([history.length, history.interrupted]).toEqual([2, false])
    expect(history[0]!.losses).toHaveLength(2) // two of four steps were left
  })

  test('keeps the order of the seed it began with', async () => {
    const file = path.join(folder, 'seed')
    await interruptedIn(file, 8)
    const runs = [9, 1].map((seed) => makeTrainer().fit(train, { epochs: 1, batchSize: 8, resume: file, seed }))
    const [same, other] = [await runs[0]!, await runs[1]!]
    expect(other[0]!.losses).toEqual(same[0]!.losses)
  })

  test('that is stopped in its last epoch at its end is complete', async () => {
    const controller = new AbortController()
    const history = await makeTrainer().fit(train, {
      epochs: 1,
      batchSize: 32, // a single batch
      validation: cornerDataset(5),
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'validation') controller.abort()
      },
    })
    expect([history.length, history.interrupted]).toEqual([1, false])
  })
})

describe('a resumed run', () => {
  test.each([true, false])('needs a scheduler if and only if it had one (%s)', async (schedule) => {
    const file = path.join(folder, `scheduler ${schedule}`)
    await makeTrainer({ schedule }).fit(train, { epochs: 1, batchSize: 16, checkpoint: file })
    const wrong = makeTrainer({ schedule: !schedule }).fit(train, { epochs: 2, batchSize: 16, resume: file })
    await expect(wrong).rejects.toThrow(OptionError)
    const right = makeTrainer({ schedule, lr: 5 })
    await right.fit(train, { epochs: 2, batchSize: 16, resume: file })
    expect(right.optimizer.lr).toBeLessThanOrEqual(0.01) // the learning rate is the checkpoint's
  })

  test.each([
    ['position', { epoch: 'two', step: 0 }],
    ['position', null],
    ['history', {}],
    ['random', null],
    ['seed', -1],
  ])('refuses a checkpoint whose %s is %j', async (field, value) => {
    const file = path.join(folder, 'damaged')
    await makeTrainer().fit(train, { epochs: 1, batchSize: 32, checkpoint: file })
    const description = JSON.parse(await readFile(`${file}.json`, 'utf8')) as { training: Record<string, unknown> }
    description.training[field] = value
    await writeFile(`${file}.json`, JSON.stringify(description))
    await expect(makeTrainer().fit(train, { epochs: 2, resume: file })).rejects.toThrow(WeightsError)
  })
})

describe('weights that the last step of an epoch ruined', () => {
  const ruin = { epochs: 2, batchSize: 32 } // one step each, whose loss is finite: it comes before the update

  test('stop the run in the validation, and leave the last checkpoint', async () => {
    const file = path.join(folder, 'ruined')
    const trainer = makeTrainer()
    await trainer.fit(train, { epochs: 1, batchSize: 32, checkpoint: file })
    const before = await readFile(`${file}.safetensors`)
    trainer.optimizer.lr = 1e39 // infinite as f32
    const error = await trainer.fit(train, { ...ruin, checkpoint: file, validation: train }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(NonFiniteLossError)
    expect(error).toMatchObject({ epoch: 2, step: 2, checkpoint: file })
    expect((await readFile(`${file}.safetensors`)).equals(before)).toBe(true)
  })

  test('are not saved without a validation either', async () => {
    const file = path.join(folder, 'unchecked')
    const trainer = makeTrainer({ lr: 1e39 })
    const run = trainer.fit(train, { epochs: 1, batchSize: 32, checkpoint: file })
    await expect(run).rejects.toThrow(/expected finite values/)
    await expect(readFile(`${file}.safetensors`)).rejects.toThrow(/no such file/)
  })
})
