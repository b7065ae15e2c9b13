/** `daybreak evaluate` and `daybreak summary`: what they print, and what they say of checkpoints that are damaged. */
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complaint, daybreak } from '../support/command.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-cli-'))
  const small = ['--model', 'minivgg', '--limit', '32', '--test-limit', '16', '--batch-size', '16', '--epochs', '1']
  expect((await run('finetune', ...small, '--output', 'model')).stderr).toBe('')
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...words: string[]) => daybreak(words, { folder })

/** A copy of the checkpoint whose description is changed. */
async function copyWith(name: string, change: (description: string) => string): Promise<void> {
  await copyFile(path.join(folder, 'model.safetensors'), path.join(folder, `${name}.safetensors`))
  const description = await readFile(path.join(folder, 'model.json'), 'utf8')
  await writeFile(path.join(folder, `${name}.json`), change(description))
}

describe('evaluate', () => {
  test('gives the loss and accuracy that the run had at its end', async () => {
    const { training } = JSON.parse(await readFile(path.join(folder, 'model.json'), 'utf8')) as {
      training: { history: { validation: { loss: number; accuracy: number } }[] }
    }
    const { loss, accuracy } = training.history[0]!.validation
    const { status, stdout, stderr } = await run('evaluate', 'model', '--limit', '16')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[1]).toBe('model: minivgg on mnist, 16 test images')
    expect(lines[2]).toBe(`loss ${loss.toFixed(4)}  accuracy ${(accuracy * 100).toFixed(2)} % (${accuracy * 16} of 16)`)
  })

  test('--json prints one line of JSON and nothing else', async () => {
    const { status, stdout } = await run('evaluate', 'model.safetensors', '--limit', '16', '--json')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^\{.*\}\n$/)
    const result = JSON.parse(stdout) as { correct: number; accuracy: number; loss: number; seconds: number }
    expect(result).toMatchObject({ checkpoint: 'model.safetensors', model: 'minivgg', dataset: 'mnist', images: 16 })
    expect(result.correct).toBe(result.accuracy * 16)
    expect(result.loss).toBeGreaterThan(0)
    expect(result.seconds).toBeGreaterThan(0)
  })

  test('refuses a checkpoint that is not there', async () => {
    const message = complaint(await run('evaluate', 'nothing'))
    expect(message).toMatch(/^daybreak: nothing\.json: expected the description of a checkpoint, found no file/)
    expect(complaint(await run('evaluate'))).toMatch(/missing required argument 'checkpoint'/)
  })

  test('refuses weights that are cut off, or missing', async () => {
    await copyWith('short', (text) => text)
    await truncate(path.join(folder, 'short.safetensors'), 100_000)
    expect(complaint(await run('evaluate', 'short'))).toMatch(
      /^daybreak: short\.safetensors: .*a file of 100000 bytes; it is truncated/,
    )
    await rm(path.join(folder, 'short.safetensors'))
    expect(complaint(await run('evaluate', 'short'))).toMatch(/^daybreak: short\.safetensors: .*no such file/)
  })

  test.each<[what: string, change: (text: string) => string, message: RegExp]>([
    ['is no JSON', (text) => text.slice(0, 100), /\.json: expected JSON/],
    ['is of another program', () => '{"format": "x"}', /\.json: expected a "daybreak-checkpoint" of version 1/],
    ['names no model', (text) => text.replace('"model"', '"modell"'), /checkpoint: expected one that names its model/],
    ['names an unknown model', (text) => text.replace('"minivgg"', '"m"'), /--model: expected one of .*, got "m"/],
    ['names no data set', (text) => text.replace('"dataset"', '"data"'), /--dataset: expected a data set/],
    ['names another model', (text) => text.replace('"minivgg"', '"vgg11"'), /\.safetensors: .*classifier\.6\.weight/],
    ['has an unknown transform', (text) => text.replace('"normalize"', '"blur"'), /transform: expected .*got "blur"/],
    ['has half a transform', (text) => text.replace('"mean"', '"men"'), /normalize: expected mean and std as lists/],
  ])('refuses a description that %s', async (what, change, message) => {
    await copyWith(what, change)
    const result = await run('evaluate', what, '--limit', '16')
    expect(complaint(result)).toMatch(message)
    expect(result.stdout).toBe('')
  })
})

describe('summary', () => {
  test('prints the table, by default for the size that the network was made for', async () => {
    const { status, stdout, stderr } = await run('summary', '--model', 'minivgg')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/Conv2d-1 +\[-1, 16, 28, 28\] +160\n/)
    expect(stdout).toContain('Total params: 54,666\n')
  })

  test('takes the number of classes and the input', async () => {
    const { stdout } = await run('summary', '--model', 'resnet18', '--num-classes', '7', '--input', '1,32,32,3')
    expect(stdout).toMatch(/Conv2d-1 +\[-1, 64, 16, 16\]/)
    expect(stdout).toMatch(/Linear-\d+ +\[-1, 7\] +3,591/)
  })

  test.each<[what: string, words: string[], message: RegExp]>([
    ['an unknown model', ['--model', 'resnet51'], /^daybreak: --model: expected one of/],
    ['three sizes', ['--input', '1,32,32'], /'1,32,32' is invalid\. It must be four positive integers/],
    ['a size of nothing', ['--input', '1,0,32,3'], /'1,0,32,3' is invalid\. It must be a positive integer/],
    ['other channels', ['--model', 'minivgg', '--input', '1,28,28,3'], /^daybreak: conv2d: expected weight/],
  ])('refuses %s', async (_what, words, message) => {
    const result = await run('summary', ...words)
    expect(complaint(result)).toMatch(message)
    expect(result.stdout).toBe('')
  })
})
