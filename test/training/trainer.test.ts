/** The trainer: it learns, repeats itself bit by bit, resumes exactly, and stops in time. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEngine, type Engine } from '../../src/autograd/engine.js'
import { imageDataset, type ImageDataset } from '../../src/data/index.js'
import { normalize } from '../../src/data/transforms.js'
import { DataError, NonFiniteLossError, OptionError, OutOfMemoryError, WeightsError } from '../../src/device/errors.js'
import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } from '../../src/nn/index.js'
import * as optim from '../../src/optim/index.js'
import { checkpointFiles, type EpochResult, Trainer } from '../../src/training/index.js'
import { readStateDict } from '../../src/weights/index.js'
import { cornerDataset } from '../support/digits.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const train = cornerDataset(64)
const validation = cornerDataset(24)
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-trainer-'))
})
afterAll(() => rm(folder, { recursive: true }))

function makeTrainer(engine: Engine, lr = 0.01): Trainer {
  engine.manualSeed(7)
  const model = new Sequential(engine, [
    new Conv2d(engine, 1, 8, 3, { padding: 1 }),
    new ReLU(engine),
    new MaxPool2d(engine, 2),
    new Flatten(engine),
    new Dropout(engine, { p: 0.2 }),
    new Linear(engine, 8 * 4 * 4, 4),
  ])
  const optimizer = optim.adam(model.trainableParameters(), { lr })
  return new Trainer({ model, optimizer, transform: normalize({ mean: [0.5], std: [0.5] }) })
}

async function weightsOf(trainer: Trainer): Promise<Buffer> {
  const stateDict = await trainer.model.stateDict()
  return Buffer.concat(
    [...stateDict.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  )
}

describe('fit', () => {
  test('learns', async () => {
    const trainer = makeTrainer(holder.engine)
    const history = await trainer.fit(train, { epochs: 6, batchSize: 16, validation, seed: 3 })
    expect(history).toHaveLength(6)
    expect(history[5]!.train.loss).toBeLessThan(history[0]!.train.loss / 2)
    expect(history[5]!.validation!.accuracy).toBeGreaterThan(0.9)
    const { accuracy, images } = await trainer.evaluate(validation)
    expect(accuracy).toBe(history[5]!.validation!.accuracy)
    expect(images).toBe(24)
  })

  test('repeats itself bit by bit with the same seed, and not with another', async () => {
    const run = async (seed: number) => {
      const trainer = makeTrainer(holder.engine)
      const history = await trainer.fit(train, { epochs: 2, batchSize: 12, seed })
      return { losses: history.flatMap(({ losses }) => losses), weights: await weightsOf(trainer) }
    }
    const [first, second, other] = [await run(1), await run(1), await run(2)]
    expect(first.losses).toHaveLength(12)
    expect(second.losses).toEqual(first.losses)
    expect(second.weights.equals(first.weights)).toBe(true)
    expect(other.losses).not.toEqual(first.losses)
  })

  test('reports progress in order', async () => {
    const seen: string[] = []
    const epochs: EpochResult[] = []
    await makeTrainer(holder.engine).fit(train, {
      epochs: 2,
      batchSize: 32,
      validation,
      onProgress: ({ phase, epoch, step, steps }) => seen.push(`${phase} ${epoch}: ${step}/${steps}`),
      onEpoch: (result) => epochs.push(result),
    })
    expect(seen).toContain('train 1: 2/2')
    expect(seen.indexOf('train 1: 2/2')).toBeLessThan(seen.indexOf('validation 1: 1/1'))
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
    expect(epochs[0]!.imagesPerSecond).toBeGreaterThan(0)
  })

  test('keeps memory flat', async () => {
    const { engine } = holder
    const trainer = makeTrainer(engine)
    await trainer.fit(train, { epochs: 1, batchSize: 16, validation })
    const { inUse, reserved } = engine.memory()
    await trainer.fit(train, { epochs: 4, batchSize: 16, validation })
    expect(engine.memory()).toMatchObject({ inUse, reserved })
  })
})

describe('checkpoints', () => {
  test('a run that stops and resumes equals one that goes through', async () => {
    const options = { epochs: 3, batchSize: 16, validation, seed: 5 }
    const through = makeTrainer(holder.engine)
    const expected = await through.fit(train, options)

    const file = path.join(folder, 'resumed')
    await makeTrainer(holder.engine).fit(train, { ...options, epochs: 1, checkpoint: file })
    const resumed = makeTrainer(holder.engine, 0.5) // its own values do not matter
    resumed.optimizer.lr = 0.01
    const history = await resumed.fit(train, { ...options, resume: file })
    expect(history.map(({ losses }) => losses)).toEqual(expected.map(({ losses }) => losses))
    expect((await weightsOf(resumed)).equals(await weightsOf(through))).toBe(true)
  })

  test('an interrupted epoch goes on with the step after', async () => {
    const options = { epochs: 2, batchSize: 8, seed: 5 }
    const through = makeTrainer(holder.engine)
    await through.fit(train, options)

    const file = path.join(folder, 'interrupted')
    const stopped = makeTrainer(holder.engine)
    const history = await stopped.fit(train, { ...options, checkpoint: file, signal: abortAfter(3) })
    expect(history.interrupted).toBe(true)
    const description = JSON.parse(await readFile(`${file}.json`, 'utf8')) as { training: { position: unknown } }
    expect(description.training.position).toEqual({ epoch: 1, step: 3 })
    const resumed = makeTrainer(holder.engine)
    await resumed.fit(train, { ...options, resume: file })
    expect((await weightsOf(resumed)).equals(await weightsOf(through))).toBe(true)
  })

  test('an interruption during validation keeps the finished epoch', async () => {
    const controller = new AbortController()
    const file = path.join(folder, 'during-validation')
    const history = await makeTrainer(holder.engine).fit(train, {
      epochs: 2,
      batchSize: 16,
      validation,
      checkpoint: file,
      signal: controller.signal,
      onProgress: ({ phase, step, steps }) => {
        if (phase === 'train' && step === steps) controller.abort() // seen when the last step has run
      },
    })
    expect(history.interrupted).toBe(true)
    expect(history.map(({ epoch, validation: measured }) => [epoch, measured])).toEqual([[1, undefined]])
    const description = JSON.parse(await readFile(`${file}.json`, 'utf8')) as { training: { position: unknown } }
    expect(description.training.position).toEqual({ epoch: 2, step: 0 })
  })

  test('a checkpoint that was cut off between its files is refused', async () => {
    const file = path.join(folder, 'torn')
    const trainer = makeTrainer(holder.engine)
    await trainer.fit(train, { epochs: 1, batchSize: 32, checkpoint: file })
    const { weights } = checkpointFiles(file)
    const old = await readFile(weights)
    await trainer.fit(train, { epochs: 2, batchSize: 32, checkpoint: file })
    await (await import('node:fs/promises')).writeFile(weights, old)
    await expect(makeTrainer(holder.engine).fit(train, { epochs: 3, resume: file })).rejects.toThrow(WeightsError)
    await expect(makeTrainer(holder.engine).fit(train, { epochs: 3, resume: file })).rejects.toThrow(/cut off/)
  })

  test.each([
    ['no file', undefined, /no file that can be read/],
    ['no JSON', '{', /expected JSON/],
    ['another format', '{"format": "x"}', /daybreak-checkpoint/],
    ['missing fields', '{"format": "daybreak-checkpoint", "version": 1}', /transform/],
  ])('%s is an error', async (name, content, message) => {
    const file = path.join(folder, `bad ${name}`)
    if (content !== undefined) await (await import('node:fs/promises')).writeFile(`${file}.json`, content)
    await expect(makeTrainer(holder.engine).fit(train, { epochs: 1, resume: file })).rejects.toThrow(message)
  })
})

describe('what goes wrong', () => {
  test('a loss that is not finite stops the run, names the step and keeps the last checkpoint', async () => {
    const file = path.join(folder, 'diverged')
    const trainer = makeTrainer(holder.engine)
    await trainer.fit(train, { epochs: 1, batchSize: 16, checkpoint: file })
    const before = await readFile(`${file}.safetensors`)
    trainer.optimizer.lr = 1e30
    const error = await trainer.fit(train, { epochs: 9, batchSize: 16, checkpoint: file }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(NonFiniteLossError)
    expect((error as NonFiniteLossError).epoch).toBe(2)
    expect((error as NonFiniteLossError).step).toBeGreaterThan(4)
    expect((error as NonFiniteLossError).step).toBeLessThanOrEqual(8)
    expect((error as Error).message).toContain(file)
    expect((await readFile(`${file}.safetensors`)).equals(before)).toBe(true)
    for (const { data } of (await readStateDict(`${file}.safetensors`)).stateDict.values()) {
      expect((data as Float32Array).every(Number.isFinite)).toBe(true)
    }
  })

  test('labels outside of the model are an error that names the operation', async () => {
    const { images, imageShape } = train
    const classes = ['0', '1', '2', '3', '4', '5', '6', '7']
    const labels = Int32Array.from({ length: 64 }, (_, i) => i % 8)
    const wrong: ImageDataset = imageDataset({ name: 'wrong', images, labels, imageShape, classes })
    const run = makeTrainer(holder.engine).fit(wrong, { epochs: 1, batchSize: 16 })
    await expect(run).rejects.toThrow(DataError)
    await expect(makeTrainer(holder.engine).fit(wrong, { epochs: 1, batchSize: 16 })).rejects.toThrow(/0 to 3/)
  })

  test.each([
    ['a batch larger than the data', { epochs: 1, batchSize: 65 }, /batchSize.*at most 64/],
    ['a batch of none', { epochs: 1, batchSize: 0 }, /batchSize/],
    ['no epochs', { epochs: 0 }, /epochs/],
  ])('%s is an error', async (_name, options, message) => {
    const run = makeTrainer(holder.engine).fit(train, options)
    await expect(run).rejects.toThrow(OptionError)
    await expect(makeTrainer(holder.engine).fit(train, options)).rejects.toThrow(message)
  })

  test('too little memory is an error with the figures', async () => {
    const engine = await createEngine({ memoryLimit: 200_000 })
    try {
      const error = await makeTrainer(engine)
        .fit(train, { epochs: 1, batchSize: 64 })
        .catch((e: unknown) => e)
      expect(error).toBeInstanceOf(OutOfMemoryError)
      expect((error as OutOfMemoryError).limit).toBe(200_000)
      expect((error as Error).message).toMatch(/needs .* KiB, .* are in use, the limit is 195.3 KiB/)
    } finally {
      engine.destroy()
    }
  })
})

/** A signal that is aborted once it has been asked for that many times. */
function abortAfter(steps: number): AbortSignal {
  let asked = 0
  return {
    get aborted() {
      return asked++ >= steps
    },
  } as AbortSignal
}
