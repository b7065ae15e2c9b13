/** Files that PyTorch's exporters wrote: see generate.py. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openWeights } from '../../../src/weights/index.js'
import { hashFill } from '../../support/hash-weights.js'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const { files, networks } = JSON.parse(readFileSync(pathOf('exported/expected.json'), 'utf8')) as {
  readonly files: Readonly<Record<string, { readonly generator: string }>>
  /** torchvision's names and shapes. */
  readonly networks: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** sha256 over each source's name and content, each ended by a zero byte: `digest` in generate.py. */
function digest(): string {
  const sha = createHash('sha256')
  for (const source of ['generate.py', '../../golden/hash_fill.py']) {
    sha.update(`${source.split('/').at(-1)!}\0`)
    sha.update(readFileSync(pathOf(source)))
    sha.update('\0')
  }
  return sha.digest('hex')
}

/** What generate.py fills a tensor with. */
const valuesOf = (name: string, count: number) => hashFill(name, count, 0.3, 1)

async function read(file: string) {
  const opened = await openWeights(pathOf(`exported/${file}`))
  const tensors = new Map<string, { shape: string; values: Float32Array }>()
  for (const [name, stored] of opened.tensors) {
    const { shape, data } = await stored.read()
    tensors.set(name, { shape: shape.join('x'), values: data as Float32Array })
  }
  await opened.close()
  return { tensors, metadata: { ...opened.metadata } }
}

describe.each(Object.keys(files))('%s', (file) => {
  const [network = '', kind = ''] = file.split('.')
  const isFolded = kind.includes('folded')
  const expected = networks[network]!

  test('was made by the present generator', () => {
    expect(files[file]!.generator, 'run: python3 test/weights/onnx/generate.py, and with --dynamo').toBe(digest())
  })

  if (!(network === 'vgg_bn' && isFolded)) {
    test("has torchvision's names and shapes", async () => {
      const { tensors } = await read(file)
      const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))
      expect(shapes).toEqual(expected)
    })
  }

  if (!isFolded) {
    test('has the values', async () => {
      const { tensors, metadata } = await read(file)
      for (const [name, { values }] of tensors) expect(values, name).toEqual(valuesOf(name, values.length))
      expect(metadata).toEqual({})
    })
  }
})

describe('a batch norm that was folded', () => {
  test.each(['basic.folded.onnx', 'bottleneck.dynamo-folded.onnx'])('is an identity with a bias: %s', async (file) => {
    const { tensors, metadata } = await read(file)
    expect(metadata).toEqual({ batch_norm: 'folded' })
    const weight = (name: string) => valuesOf(name, tensors.get(name)!.values.length)
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((key) =>
      weight(`bn1.${key}`),
    )
    const scale = gamma!.map((value, c) => value / Math.sqrt(variance![c]! + 1e-5))
    const kernel = weight('conv1.weight')
    const perOutput = kernel.length / scale.length
    tensors.get('conv1.weight')!.values.forEach((value, i) => {
      expect(value).toBeCloseTo(kernel[i]! * scale[Math.floor(i / perOutput)]!, 5)
    })
    tensors.get('bn1.bias')!.values.forEach((value, c) => {
      expect(value).toBeCloseTo(beta![c]! - mean![c]! * scale[c]!, 5)
    })
    for (const [key, expected] of [
      ['weight', 1],
      ['running_mean', 0],
      ['running_var', Math.fround(1 - 1e-5)],
    ] as const) {
      expect(new Set(tensors.get(`bn1.${key}`)!.values)).toEqual(new Set([expected]))
    }
  })

  test.each(['vgg_bn.folded.onnx', 'vgg_bn.dynamo-folded.onnx'])(
    'leaves a VGG without batch norms: %s',
    async (file) => {
      const { tensors } = await read(file)
      const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))
      expect(shapes).toEqual(networks.vgg)
    },
  )
})
