/** The committed golden files belong to the Python sources beside them, and the readers in test/support read them. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { goldenFolder, loadGolden } from '../support/golden.js'
import { checksumError, checksumOf, fnv1a, hashFill, hashIntegers, hashStateDict } from '../support/hash-weights.js'

const names = readdirSync(goldenFolder).map((file) => file.replace('.safetensors', ''))
const operations = names.filter((name) => !/^(resnet|vgg|hashFill)/.test(name))
const networks = names.filter((name) => /^(resnet|vgg)/.test(name))

/** sha256 over each source's name and content, each ended by a zero byte: `digest` in cases.py. */
function digest(sources: readonly string[]): string {
  const sha = createHash('sha256')
  for (const source of sources) {
    sha.update(`${source}\0`)
    sha.update(readFileSync(fileURLToPath(new URL(source, import.meta.url))))
    sha.update('\0')
  }
  return sha.digest('hex')
}

describe.each(names)('%s', (name) => {
  const { cases, metadata, tensorNames } = loadGolden(name)

  test('was made by the present generator', () => {
    const sources = JSON.parse(metadata.sources ?? '[]') as string[]
    expect(sources.length).toBeGreaterThan(0)
    expect(metadata.generator, `run: python3 test/golden/generate.py ${name}`).toBe(digest(sources))
  })

  test('every tensor belongs to a case, and every case has its tensors', () => {
    expect(cases.length).toBeGreaterThan(0)
    const listed = cases.flatMap(({ name: label, inputs, outputs, gradients }) => {
      const others = gradients.length > 0 ? ['gradOutput', ...gradients.map((input) => `gradients.${input}`)] : []
      return [...inputs, ...outputs, ...others].map((tensor) => `${label}/${tensor}`)
    })
    expect([...tensorNames].sort()).toEqual(listed.sort())
  })
})

test.each(operations)('%s: gradients have the shapes of what they belong to, and all values are finite', (name) => {
  for (const golden of loadGolden(name).cases) {
    for (const input of golden.gradients) {
      expect(golden.tensor(`gradients.${input}`).shape).toEqual(golden.tensor(input).shape)
      expect(golden.tensor('gradOutput').shape).toEqual(golden.tensor('output').shape)
    }
    for (const tensor of [...golden.inputs, ...golden.outputs]) {
      expect(golden.tensor(tensor).data.every(Number.isFinite), `${golden.name}/${tensor}`).toBe(true)
    }
  }
})

test.each(loadGolden('hashFill').cases.map((golden) => [golden.name, golden] as const))(
  'the hash of "%s" equals that of the Python generator, bit for bit',
  (_label, golden) => {
    const { name, scale, offset } = golden.attributes as { name: string; scale: number; offset: number }
    const { data } = golden.tensor('integers')
    expect(fnv1a(name) | 0).toBe(golden.tensor('seed').data[0])
    expect(new Int32Array(hashIntegers(name, data.length).buffer)).toEqual(data)
    expect(hashFill(name, data.length, scale, offset)).toEqual(golden.tensor('values').data)
  },
)

test.each(networks)('%s: tables have one row per parameter and buffer', (name) => {
  for (const golden of loadGolden(name).cases) {
    const { parameters, buffers } = golden.attributes as Record<'parameters' | 'buffers', Record<string, number[]>>
    const { batch, numClasses } = golden.attributes as Record<'batch' | 'numClasses', number>
    const count = Object.keys(parameters).length
    expect(golden.tensor('logits').shape).toEqual([batch, numClasses])
    expect(golden.tensor('gradientChecksums').shape).toEqual([count, 3])
    expect(golden.tensor('gradientHeads').shape).toEqual([count, 10])
    if (golden.has('runningChecksums')) {
      expect(golden.tensor('runningChecksums').shape).toEqual([Object.keys(buffers).length, 3])
    }
  }
})

test('a state dict from the hash has the documented scales', () => {
  const state = hashStateDict([
    ['conv1.weight', [64, 3, 7, 7]],
    ['bn1.weight', [64]],
    ['bn1.running_mean', [64]],
    ['bn1.running_var', [64]],
    ['bn1.num_batches_tracked', []],
    ['layer1.0.bn2.weight', [64]],
    ['layer1.0.bn3.weight', [256]],
    ['layer2.0.bn2.weight', [128]],
    ['fc.weight', [10, 512]],
    ['fc.bias', [10]],
  ])
  const range = (name: string) => {
    const values = Array.from(state.get(name)!.data, Number)
    return [Math.min(...values), Math.max(...values)]
  }
  const expected: Record<string, [from: number, to: number]> = {
    'conv1.weight': [-Math.sqrt(6 / 147), Math.sqrt(6 / 147)],
    'bn1.weight': [0.9, 1.1],
    'bn1.running_mean': [-0.1, 0.1],
    'bn1.running_var': [0.7, 1.3],
    'bn1.num_batches_tracked': [0, 0],
    'layer1.0.bn2.weight': [0.9, 1.1],
    'layer1.0.bn3.weight': [0.2, 0.3],
    'layer2.0.bn2.weight': [0.2, 0.3],
    'fc.weight': [-Math.sqrt(3 / 512), Math.sqrt(3 / 512)],
    'fc.bias': [-0.1, 0.1],
  }
  for (const [name, [from, to]] of Object.entries(expected)) {
    const [lowest, highest] = range(name) as [number, number]
    const width = to - from
    expect(lowest, name).toBeGreaterThanOrEqual(from - 1e-6)
    expect(highest, name).toBeLessThanOrEqual(to + 1e-6)
    expect(highest - lowest, name).toBeGreaterThanOrEqual(0.6 * width)
  }
})

test('a checksum sees a value that moved', () => {
  const values = hashFill('any', 1000)
  const truth = checksumOf('weight', values)
  expect(truth).toHaveLength(3)
  expect(checksumError([truth], [truth])).toEqual([[0, 0, 0]])
  const moved = values.slice().reverse()
  const [error] = checksumError([checksumOf('weight', moved)], [truth])
  expect(error![0]).toBeLessThan(1e-12)
  expect(error![2]).toBeGreaterThan(0.01)
})
