/** Files that PyTorch wrote: see generate.py. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { openWeights } from '../../../src/weights/index.js'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

interface ExpectedTensor {
  readonly shape: readonly number[]
  readonly type: string
  readonly values: readonly number[]
}

const expected = JSON.parse(readFileSync(pathOf('fixtures/expected.json'), 'utf8')) as {
  readonly generator: string
  readonly files: Readonly<Record<string, Readonly<Record<string, ExpectedTensor>>>>
}

test('the files were made by the present generator', () => {
  const generator = createHash('sha256')
    .update(readFileSync(pathOf('generate.py')))
    .digest('hex')
  expect(expected.generator, 'run: python3 test/weights/pytorch/generate.py').toBe(generator)
})

async function tensorsOf(name: string): Promise<Record<string, ExpectedTensor>> {
  const opened = await openWeights(pathOf(`fixtures/${name}`))
  const found: Record<string, ExpectedTensor> = {}
  for (const [tensor, stored] of opened.tensors) {
    const { shape, data } = await stored.read()
    expect(shape).toEqual(stored.shape)
    found[tensor] = { shape, type: stored.storedType, values: Array.from(data, Number) }
  }
  await opened.close()
  expect(opened.format).toBe('pytorch')
  return found
}

/** The zip format, the one of before PyTorch 1.6, and the zip format with a newer pickle. */
const suffixes = ['pth', 'legacy.pth', 'protocol4.pth']

describe.each(Object.keys(expected.files))('%s', (name) => {
  test.each(suffixes)('.%s has the names, shapes, types and values', async (suffix) => {
    expect(await tensorsOf(`${name}.${suffix}`)).toEqual(expected.files[name])
  })
})

test.each(['python2', 'protocol1'])('a state dict as Python 2 pickled it: module.%s.pth', async (suffix) => {
  const found = await tensorsOf(`module.${suffix}.pth`)
  expect(found).toEqual(expected.files.module)
  expect(Object.keys(found)).toEqual(Object.keys(expected.files.module ?? {}))
})

test.each([
  ['whole-module.pth', /a whole object of the class torch\.nn\.modules\.container\.Sequential; save its weights alone/],
  [
    'whole-module.legacy.pth',
    /a whole object of the class torch\.nn\.modules\.container\.Sequential; save its weights/,
  ],
  [
    'whole-module-inside.pth',
    /found a dict whose "model" is a whole object of the class torch\.nn\.modules\.container/,
  ],
  ['torchscript.pt', /expected a state dict, found a TorchScript program; save its weights alone/],
  [
    'sparse.pth',
    /tensor "a": expected a tensor of the ordinary, dense kind, found what torch\._utils\._rebuild_sparse/,
  ],
  ['complex.pth', /tensor "a": expected a storage of the kind .*, found the class or function torch\.ComplexFloatSto/],
  [
    'quantised.pth',
    /tensor "a": expected a tensor of the ordinary, dense kind, found what torch\._utils\._rebuild_qte/,
  ],
])('%s is refused, with what to do', async (name, message) => {
  const opening = openWeights(pathOf(`fixtures/${name}`))
  await expect(opening).rejects.toThrow(WeightsError)
  await expect(opening).rejects.toThrow(message)
})
