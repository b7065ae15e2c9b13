/** `daybreak predict`: what it prints for image files, with a checkpoint of `finetune` and with weights files. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { imagenetClasses, mnist, readImage, type ReadImageOptions } from '../../src/data/index.js'
import { resnet18 } from '../../src/models/index.js'
import { predict } from '../../src/training/index.js'
import { writeStateDict } from '../../src/weights/index.js'
import { complaint, daybreak } from '../support/command.js'
import { gradient, noise, picture } from '../support/image-files.js'

const digits = 16
let folder: string
const at = (name: string) => path.join(folder, name)
const run = (...words: string[]) => daybreak(words, { folder })

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-predict-'))
  const small = ['--model', 'minivgg', '--limit', '320', '--test-limit', '16', '--batch-size', '16', '--epochs', '1']
  expect((await run('finetune', ...small, '--output', 'model')).stderr).toBe('')
  const { images } = await mnist({ split: 'test', limit: digits })
  for (let i = 0; i < digits; i++) {
    const raw = { width: 28, height: 28, channels: 1 as const }
    await sharp(images.subarray(784 * i, 784 * (i + 1)), { raw })
      .png()
      .toFile(at(`digit-${i}.png`))
  }
  await picture(noise).png().toFile(at('noise.png'))
  await picture(gradient).jpeg().toFile(at('gradient.jpg'))
  await writeFile(at('broken.png'), (await picture(noise).png().toBuffer()).subarray(0, 1000))
})
afterAll(() => rm(folder, { recursive: true }))

/** A copy of the checkpoint whose description is changed. */
async function copyWith(name: string, change: (description: string) => string): Promise<void> {
  await copyFile(at('model.safetensors'), at(`${name}.safetensors`))
  await writeFile(at(`${name}.json`), change(await readFile(at('model.json'), 'utf8')))
}

interface Line {
  image: string
  predictions: { index: number; name?: string; probability: number }[]
}
const parse = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

describe('with a checkpoint', () => {
  const files = Array.from({ length: digits }, (_, i) => `digit-${i}.png`)

  test('recognises as many digits in image files as `evaluate` in the data set', async () => {
    const evaluated = JSON.parse((await run('evaluate', 'model', '--limit', '16', '--json')).stdout) as {
      correct: number
    }
    const { labels } = await mnist({ split: 'test', limit: digits })
    const { status, stdout, stderr } = await run(
      'predict',
      '--weights',
      'model',
      '--json',
      '--batch-size',
      '5',
      ...files,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const lines = parse(stdout)
    expect(lines.map(({ image }) => image)).toEqual(files)
    expect(evaluated.correct).toBeGreaterThan(3) // of 16: it has learned something
    expect(lines.filter(({ predictions }, i) => predictions[0]!.index === labels[i])).toHaveLength(evaluated.correct)
    for (const { predictions } of lines) {
      expect(predictions).toHaveLength(5)
      expect(predictions.map(({ index, name }) => name === String(index))).toEqual(Array(5).fill(true))
      const probabilities = predictions.map(({ probability }) => probability)
      expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a))
    }
  })

  test('prints a table, and resizes other images to the size that the model was trained with', async () => {
    const { status, stdout } = await run(
      'predict',
      '--weights',
      'model.safetensors',
      '--top',
      '2',
      'noise.png',
      'gradient.jpg',
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(
      new RegExp(
        '^adapter   .*\n' +
          'model     minivgg, 10 classes, model\\.safetensors\n' +
          '\nnoise\\.png\n( *\\d+\\.\\d\\d %  (\\d)  \\2\n){2}' +
          '\ngradient\\.jpg\n( *\\d+\\.\\d\\d %  (\\d)  \\4\n){2}$',
      ),
    )
  })

  test('takes --model if it is the same, and refuses another', async () => {
    expect((await run('predict', '--weights', 'model', '--model', 'minivgg', 'digit-0.png')).status).toBe(0)
    const message = complaint(await run('predict', '--weights', 'model', '--model', 'vgg16', 'digit-0.png'))
    expect(message).toBe('daybreak: --model: expected "minivgg", the model of the checkpoint model, got "vgg16"\n')
  })

  test('an older one that does not tell the size of its images needs --crop', async () => {
    await copyWith('older', (text) => text.replace('"imageShape"', '"other"'))
    const message = complaint(await run('predict', '--weights', 'older', 'digit-0.png'))
    expect(message).toBe('daybreak: --crop: expected a size, as older.json does not tell its images\', got "nothing"\n')
    const words = ['digit-0.png', '--json']
    const { stdout } = await run('predict', '--weights', 'older', '--crop', '28', ...words)
    expect(stdout).toBe((await run('predict', '--weights', 'model', ...words)).stdout)
  })

  const withShape = (shape: string) => (text: string) =>
    text.replace(/"imageShape": \[[^\]]*\]/, `"imageShape": ${shape}`)
  const withClasses = (classes: string) => (text: string) =>
    text.replace(/"classes": \[[^\]]*\]/, `"classes": ${classes}`)
  test.each<[what: string, change: (text: string) => string, message: RegExp]>([
    ['is no JSON', (text) => text.slice(0, 100), /\.json: expected JSON/],
    ['is of another program', () => '{}', /\.json: expected a "daybreak-checkpoint" of version 1/],
    [
      'names no model',
      (text) => text.replace('"model"', '"m"'),
      /--weights: expected a checkpoint that names its model/,
    ],
    ['names an unknown model', (text) => text.replace('"minivgg"', '"m"'), /--model: expected one of .*, got "m"/],
    ['has images of no size', withShape('[28, 0, 1]'), /\.json: expected an "imageShape" .*, found \[28,0,1\]/],
    ['has images of two channels', withShape('[28, 28, 2]'), /expected an "imageShape" .*, found \[28,28,2\]/],
    ['has images of two sizes', withShape('[28, 28]'), /expected an "imageShape" .*, found \[28,28\]/],
    ['has a number for a shape', withShape('28'), /expected an "imageShape" .*, found 28/],
    ['has no list of classes', withClasses('{}'), /\.json: expected "classes" as a list of names, found {}/],
    ['has numbers for classes', withClasses('[1, 2]'), /\.json: expected "classes" as a list of names, found \[1,2\]/],
    [
      'has too few classes',
      withClasses('["a"]'),
      /\.json: expected 10 names, one for each class of the model, found 1/,
    ],
    [
      'has nothing for a transform',
      (text) => text.replace('"imageShape"', '"other"').replace(/"transform": \[[^]*?\n {2}\]/, '"transform": [null]'),
      /transform: expected grayscale or normalize, got "?undefined/,
    ],
    ['has an unknown transform', (text) => text.replace('"normalize"', '"blur"'), /transform: expected .*got "blur"/],
  ])('refuses one whose description %s', async (what, change, message) => {
    await copyWith(what, change)
    const result = await run('predict', '--weights', what, 'digit-0.png')
    expect(complaint(result)).toMatch(message)
    expect(result.stdout).toBe('')
  })
})

describe('with a weights file', () => {
  /** What the library sees in the same images. */
  const expected: Record<string, Line['predictions']> = {}
  const geometry: ReadImageOptions = { resize: 40, crop: 32 }

  beforeAll(async () => {
    const engine = await createEngine({ seed: 5 })
    for (const [name, numClasses] of [
      ['three', 3],
      ['thousand', 1000],
    ] as const) {
      const model = await resnet18(engine, { numClasses })
      await writeStateDict(at(`${name}.safetensors`), await model.stateDict())
      const images = [await readImage(at('noise.png'), geometry), await readImage(at('gradient.jpg'), geometry)]
      const predictions = await predict(model, images)
      predictions.forEach(({ top }, i) => (expected[`${name} ${i}`] = [...top]))
      model.dispose()
    }
    engine.destroy()
  })

  const small = (name: string) => [
    'predict',
    '--model',
    'resnet18',
    '--weights',
    `${name}.safetensors`,
    '--resize',
    '40',
    '--crop',
    '32',
  ]
  /** Two processes compile the same kernels, so the numbers are equal; a few f32 roundings are allowed all the same. */
  const close = (predictions: Line['predictions'], names?: readonly string[]) =>
    predictions.map(({ index, probability }) => ({
      index,
      ...(names && { name: names[index] }),
      probability: expect.closeTo(probability, 5) as number,
    }))

  test("a thousand classes have ImageNet's names", async () => {
    const { status, stdout, stderr } = await run(...small('thousand'), 'noise.png', 'gradient.jpg', '--json')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(parse(stdout)).toEqual([
      { image: 'noise.png', predictions: close(expected['thousand 0']!, imagenetClasses) },
      { image: 'gradient.jpg', predictions: close(expected['thousand 1']!, imagenetClasses) },
    ])
  })

  test('others have numbers, or names from a file', async () => {
    const { stdout } = await run(...small('three'), 'noise.png', '--json')
    expect(parse(stdout)).toEqual([{ image: 'noise.png', predictions: close(expected['three 0']!) }])
    await writeFile(at('names.txt'), 'ant\nbee\ncat\n')
    const named = await run(...small('three'), 'noise.png', '--json', '--classes', 'names.txt', '--top', '2')
    const best = expected['three 0']!.slice(0, 2)
    expect(parse(named.stdout)).toEqual([{ image: 'noise.png', predictions: close(best, ['ant', 'bee', 'cat']) }])
  })

  test('the table has a line for each class', async () => {
    const { stdout } = await run(...small('three'), 'noise.png')
    const lines = expected['three 0']!.map(
      ({ index, probability }) => `${`${(100 * probability).toFixed(2)} %`.padStart(8)}  ${index}`,
    )
    expect(stdout.split('\n').slice(2)).toEqual(['', 'noise.png', ...lines, ''])
  })

  test('images that cannot be read are named, and the others predicted', async () => {
    const files = ['missing.png', 'noise.png', 'broken.png', 'names.json', 'gradient.jpg']
    await writeFile(at('names.json'), '["a"]')
    const { status, stdout, stderr } = await run(...small('three'), ...files, '--json')
    expect(status).toBe(1)
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^daybreak: missing\.png: expected a file of at most .*, found ENOENT/),
      expect.stringMatching(/^daybreak: broken\.png: expected a whole image of at most \d+ pixels, found /),
      expect.stringMatching(/^daybreak: names\.json: expected an image file .*, found one that begins with /),
    ])
    expect(parse(stdout)).toEqual([
      { image: 'noise.png', predictions: close(expected['three 0']!) },
      { image: 'gradient.jpg', predictions: close(expected['three 1']!) },
    ])
    const none = await run(...small('three'), 'missing.png', '--json')
    expect({ status: none.status, stdout: none.stdout }).toEqual({ status: 1, stdout: '' })
  })

  test('photos are turned on demand', async () => {
    await picture(gradient).png().withMetadata({ orientation: 3 }).toFile(at('turned.png'))
    await picture(gradient).rotate(180).png().toFile(at('upright.png'))
    const seen = async (...words: string[]) =>
      parse((await run(...small('three'), '--json', ...words)).stdout)[0]!.predictions
    const turned = await seen('--apply-exif-orientation', 'turned.png')
    expect(turned).toEqual(close(await seen('upright.png')))
    expect(turned).not.toEqual(close(await seen('turned.png')))
  })

  test.each<[what: string, words: string[], message: RegExp]>([
    ['no images', ['--weights', 'three.safetensors'], /missing required argument 'images'/],
    ['no weights', ['noise.png'], /^daybreak: --weights: expected a file with weights, .*, got "nothing"\n$/],
    [
      'weights that are not there',
      ['--weights', 'none', 'noise.png'],
      /^daybreak: --weights: expected .*or a file, got "none"/,
    ],
    [
      'a file that is not there',
      ['--weights', 'none.npz', 'noise.png'],
      /^daybreak: none\.npz: expected .*no such file/,
    ],
    ['weights of another model', ['--weights', 'three.safetensors', 'noise.png'], /^daybreak: three\.safetensors: /],
    ['an unknown model', ['--weights', 'imagenet', '--model', 'x', 'noise.png'], /^daybreak: --\w+: expected /],
    ['no best classes', ['--weights', 'model', '--top', '0', 'noise.png'], /--top.*It must be a positive integer/],
    ['a size of nothing', ['--weights', 'model', '--crop', '0', 'noise.png'], /--crop.*It must be a positive integer/],
    [
      'names that do not fit',
      ['--weights', 'model', '--classes', 'names.json', 'noise.png'],
      /^daybreak: names\.json: expected 10 names, one for each class of the model, found 1\n$/,
    ],
    [
      'names that are not there',
      ['--weights', 'model', '--classes', 'nowhere.txt', 'noise.png'],
      /^daybreak: nowhere\.txt: expected a file of at most .*ENOENT/,
    ],
  ])('refuses %s', async (_what, words, message) => {
    await writeFile(at('names.json'), '["a"]')
    const result = await run('predict', ...words)
    expect(complaint(result)).toMatch(message)
    expect(result.stdout).toBe('')
  })
})
