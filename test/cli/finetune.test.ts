/** `daybreak finetune` as a user runs it: what it prints, writes, refuses and returns. */
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complaint, daybreak } from '../support/command.js'
import { hasHalf } from '../support/half.js'

const small = ['--model', 'minivgg', '--limit', '32', '--test-limit', '16', '--batch-size', '16']
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-cli-'))
  await finetune('--epochs', '1', '--output', 'begun') // what the tests go on with
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...words: string[]) => daybreak(words, { folder })
const finetune = (...words: string[]) => run('finetune', ...small, ...words)

async function copyBegun(name: string): Promise<void> {
  for (const extension of ['safetensors', 'optimizer.safetensors', 'json']) {
    await copyFile(path.join(folder, `begun.${extension}`), path.join(folder, `${name}.${extension}`))
  }
}

describe('finetune', () => {
  test('reports the plan, each epoch and where the checkpoint is', async () => {
    const { status, stdout, stderr } = await finetune('--epochs', '2')
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^adapter {3}\S.* driver\)$/),
      'model     minivgg, 54,666 parameters, 54,666 trained, random initial weights',
      'data      mnist: 32 training and 16 test images of 28x28x1, 10 classes',
      'training  2 epoch(s), batches of 16, adam, learning rate 0.001 (constant), seed 0',
      expect.stringMatching(
        /^first step [\d.]+ s, .*; [\d.]+ [KM]iB are planned for the memory of a step, where [\d.]+ [KM]iB are the least$/,
      ),
      ...[1, 2].map((epoch): unknown =>
        expect.stringMatching(
          new RegExp(
            `^epoch ${epoch}/2 {2}train loss \\d\\.\\d{4} accuracy [\\d.]+ % {2}test loss \\d\\.\\d{4} accuracy [\\d.]+ % {2}\\d+:\\d\\d`,
          ),
        ),
      ),
      'saved runs/minivgg-mnist.safetensors; measure it with: npx daybreak evaluate runs/minivgg-mnist',
    ])
    expect((await readdir(path.join(folder, 'runs'))).sort()).toEqual([
      'minivgg-mnist.json',
      'minivgg-mnist.optimizer.safetensors',
      'minivgg-mnist.safetensors',
    ])
  })

  test('trains in f16 where the adapter has it, and names the option where not', async () => {
    const { status, stdout, stderr } = await finetune('--epochs', '1', '--precision', 'f16', '--output', 'half')
    if (hasHalf) {
      expect(stdout).toContain('seed 0, activations of f16\n')
      expect(stdout).toMatch(/^epoch 1\/1 {2}train loss \d/m)
    } else {
      expect(stderr).toMatch(/--precision: expected f32, as .* has no shader-f16, got "f16"/)
    }
    expect(status).toBe(hasHalf ? 0 : 1)
  })

  test('makes the folders of --output, takes an extension there, and says that it replaces a checkpoint', async () => {
    const first = await finetune('--epochs', '1', '--output', 'new/deep/model.safetensors')
    expect(first.stderr).toBe('')
    expect(first.stdout).toContain('\nsaved new/deep/model.safetensors;')
    const second = await finetune('--epochs', '1', '--output', 'new/deep/model')
    expect(second.stderr).toMatch(/^the earlier checkpoint new\/deep\/model will be replaced \(.*--resume.*\)\n$/)
    expect(second.status).toBe(0)
    expect(await readdir(path.join(folder, 'new/deep'))).toHaveLength(3)
  })

  test('gives the same weights with --no-plan', async () => {
    const { status, stdout } = await finetune('--epochs', '2', '--no-plan', '--output', 'unplanned')
    expect(status).toBe(0)
    expect(stdout).toContain('; steps are not planned\n')
    await finetune('--epochs', '2', '--output', 'planned')
    const [unplanned, planned] = await Promise.all(
      ['unplanned', 'planned'].map((name) => readFile(path.join(folder, `${name}.safetensors`))),
    )
    expect(unplanned!.equals(planned!)).toBe(true)
  })

  test('gives the same weights with --checkpoint-activations', async () => {
    const { status } = await finetune('--epochs', '1', '--checkpoint-activations', '--output', 'recomputed')
    expect(status).toBe(0)
    await finetune('--epochs', '1', '--output', 'kept')
    const [recomputed, kept] = await Promise.all(
      ['recomputed', 'kept'].map((name) => readFile(path.join(folder, `${name}.safetensors`))),
    )
    expect(recomputed!.equals(kept!)).toBe(true)
  })

  test('takes the weights of a file, and trains only what is not frozen', async () => {
    const weights = ['--weights', 'begun.safetensors', '--freeze-until', 'classifier', '--output', 'head']
    const { status, stdout } = await finetune('--epochs', '1', ...weights)
    expect(status).toBe(0)
    expect(stdout).toContain('54,666 parameters, 31,370 trained, begun.safetensors\n')
  })

  test('goes on with --resume where the run ended, and gives what a run without a break gives', async () => {
    await finetune('--epochs', '2', '--output', 'through')
    await copyBegun('parts')
    const again = await finetune('--epochs', '1', '--output', 'parts', '--resume')
    expect(again.stderr).toMatch(/^all 1 epoch\(s\) are done .*--epochs/)
    expect(again.status).toBe(0)
    const { status, stdout, stderr } = await finetune('--epochs', '2', '--output', 'parts', '--resume')
    expect(status).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toContain('the weights of parts')
    expect(stdout).not.toContain('epoch 1/2')
    expect(stdout).toContain('epoch 2/2')
    const [through, parts] = await Promise.all(
      ['through', 'parts'].map((name) => readFile(path.join(folder, `${name}.safetensors`))),
    )
    expect(parts!.equals(through!)).toBe(true)
  })

  test('a run that is resumed must be the run that was begun', async () => {
    expect(complaint(await finetune('--resume', '--output', 'never'))).toMatch(
      /never\.json: .*no file that can be read/,
    )
    const other = await run('finetune', '--model', 'resnet18', '--resume', '--output', 'begun')
    expect(complaint(other)).toMatch(/^daybreak: --model: expected "minivgg", .*begun was begun, got "resnet18"/)
    await copyBegun('torn')
    await truncate(path.join(folder, 'torn.optimizer.safetensors'), 5000)
    const torn = await finetune('--epochs', '2', '--resume', '--output', 'torn')
    expect(complaint(torn)).toMatch(/^daybreak: torn\.optimizer\.safetensors: .*it is truncated/)
  })
})

describe('finetune refuses', () => {
  test.each<[what: string, words: string[], message: RegExp]>([
    [
      'an unknown model',
      ['--model', 'resnet51'],
      /^daybreak: --model: expected one of .*resnet50.*, got "resnet51"\n$/,
    ],
    ['an unknown data set', ['--dataset', 'cifar'], /^daybreak: --dataset: expected one of mnist, got "cifar"\n$/],
    [
      'an unknown layer',
      ['--freeze-until', 'layer4'],
      /^daybreak: --freeze-until: expected one of features, .*"layer4"/,
    ],
    ['an unknown optimizer', ['--optimizer', 'lion'], /'lion' is invalid\. Allowed choices are adam, adamw, sgd\./],
    ['an unknown option', ['--epoch', '3'], /unknown option '--epoch'\n\(Did you mean --epochs\?\)/],
    ['a word too many', ['mnist'], /too many arguments/],
    [
      'a learning rate of nothing',
      ['--lr', '0'],
      /'--lr <rate>' argument '0' is invalid\. It must be a number above 0/,
    ],
    ['a part of an epoch', ['--epochs', '1.5'], /'1\.5' is invalid\. It must be a positive integer/],
    ['a seed in words', ['--seed', 'one'], /'one' is invalid\. It must be an integer, 0 or more/],
    ['too much smoothing', ['--label-smoothing', '2'], /'2' is invalid\. It must be a number from 0 to 1/],
    [
      'an option of ResNets',
      ['--zero-init-residual'],
      /^daybreak: --zero-init-residual: expected a ResNet, got "minivgg"/,
    ],
    [
      'a missing weights file',
      ['--weights', 'no.safetensors'],
      /^daybreak: no\.safetensors: .*no such file or folder\n$/,
    ],
    ['a missing data folder', ['--data', 'no'], /^daybreak: no: expected a folder with the MNIST files/],
    ['an unknown adapter', ['--adapter', 'abacus'], /^daybreak: no adapter's name contains "abacus"/],
    ['an output without a name', ['--output', 'some/'], /^daybreak: --output: .*ends in the name.*, got "some\/"/],
  ])('%s', async (_what, words, message) => {
    const result = await finetune(...words)
    expect(complaint(result)).toMatch(message)
    expect(result.stdout).toBe('')
  })

  test('a batch larger than the data', async () => {
    const message = complaint(await finetune('--batch-size', '33'))
    expect(message).toMatch(/--batch-size: expected at most 32, the number of images in "mnist train", got 33\n$/)
  })

  test('an output that cannot be written, before it trains', async () => {
    await writeFile(path.join(folder, 'file'), '')
    const result = await finetune('--output', 'file/model')
    expect(complaint(result)).toMatch(/^daybreak: --output: expected a path in a folder that can be written \(.*file/)
    expect(result.stdout).toBe('')
  })

  test('weights of another model', async () => {
    const result = await run('finetune', '--model', 'resnet18', '--limit', '128', '--weights', 'begun.safetensors')
    expect(complaint(result)).toMatch(
      /^daybreak: begun\.safetensors: expected exactly the tensors of resnet18, found 100 missing: /,
    )
  })
})
