import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataError, OptionError } from '../../src/device/errors.js'
import { datasetLoader, datasets, mnist } from '../../src/data/index.js'
import { gunzip } from '../../src/data/read-file.js'
import { idxBytes } from './idx-bytes.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybreak-mnist-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const images = idxBytes([3, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])
const labels = idxBytes([3], [9, 0, 5])
const write = async (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes)

async function failure(promise: Promise<unknown>, type: new (...args: never[]) => Error = DataError): Promise<string> {
  const error = await promise.then(
    () => new Error('no error'),
    (reason: unknown) => reason as Error,
  )
  expect(error).toBeInstanceOf(type)
  return error.message
}

describe('the MNIST that is installed', () => {
  it.each([
    ['train', 60_000, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], '6bbc9ace898e44ae57da46a324031adb'],
    ['test', 10_000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], '2646ac647ad5339dbf082846283269ea'],
  ] as const)('is the official one: %s', async (split, length, counts, md5) => {
    const dataset = await mnist({ split })
    expect(dataset).toMatchObject({ name: `mnist ${split}`, length, imageShape: [28, 28, 1] })
    expect(dataset.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    expect(dataset.images.length).toBe(length * 784)
    expect(dataset.labels.length).toBe(length)
    const found = new Array<number>(10).fill(0)
    for (const label of dataset.labels) found[label]! += 1
    expect(found).toEqual(counts)
    const file = createHash('md5')
      .update(idxBytes([length, 28, 28], []))
      .update(dataset.images)
    expect(file.digest('hex')).toBe(md5) // of the whole official file: its header and these pixels
  })

  it('is cut by limit', async () => {
    const dataset = await mnist({ split: 'test', limit: 5 })
    expect([...dataset.labels]).toEqual([7, 2, 1, 0, 4])
    expect(dataset.length).toBe(5)
    expect(dataset.images.length).toBe(5 * 784)
    expect((await mnist({ split: 'test', limit: 1e9 })).length).toBe(10_000)
  })
})

describe('mnist from a folder', () => {
  it.each([
    ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 'train'],
    ['t10k-images.idx3-ubyte', 't10k-labels.idx1-ubyte', 'test'],
    ['train-images-idx3-ubyte.gz', 'train-labels.idx1-ubyte.gz', 'train'],
  ] as const)('reads %s and %s', async (imagesName, labelsName, split) => {
    const pack = (name: string, bytes: Uint8Array) => (name.endsWith('.gz') ? gzipSync(bytes) : bytes)
    await write(imagesName, pack(imagesName, images))
    await write(labelsName, pack(labelsName, labels))
    const dataset = await datasets.mnist({ split, folder })
    expect(dataset).toMatchObject({ length: 3, imageShape: [2, 2, 1] })
    expect([...dataset.images]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])
    expect([...dataset.labels]).toEqual([9, 0, 5])
    expect(dataset.images).not.toBeInstanceOf(Buffer)
  })

  const readWith = async (imageBytes: Uint8Array, labelBytes: Uint8Array) => {
    await write('train-images-idx3-ubyte', imageBytes)
    await write('train-labels-idx1-ubyte', labelBytes)
    return mnist({ split: 'train', folder })
  }

  it('names the file of a damaged part', async () => {
    expect(await failure(readWith(images.slice(0, -1), labels))).toMatch(/train-images-idx3-ubyte: .*truncated/)
    expect(await failure(readWith(images, labels.slice(0, -1)))).toMatch(/train-labels-idx1-ubyte: .*truncated/)
    expect(await failure(readWith(labels, images))).toMatch(/train-images-idx3-ubyte: .*3 dimension/)
    expect(await failure(readWith(gzipSync(images).subarray(0, -9), labels))).toMatch(/train-images-idx3-ubyte: .*gzip/)
    const damaged = gzipSync(images)
    damaged[12]! ^= 0xff
    expect(await failure(readWith(damaged, labels))).toMatch(/train-images-idx3-ubyte: .*gzip/)
  })

  it('names the counts that do not match, and what is empty', async () => {
    expect(await failure(readWith(images, idxBytes([2], [1, 2])))).toMatch(
      /train-labels-idx1-ubyte: expected 3 labels, one for each image of .*train-images-idx3-ubyte, found 2/,
    )
    expect(await failure(readWith(idxBytes([0, 28, 28], []), idxBytes([0], [])))).toMatch(/at least one image/)
    expect(await failure(readWith(idxBytes([3, 0, 28], []), labels))).toMatch(/at least one pixel/)
  })

  it('names the file and the index of a label that is no digit', async () => {
    expect(await failure(readWith(images, idxBytes([3], [0, 9, 10])))).toMatch(
      /train-labels-idx1-ubyte: expected labels from 0 to 9, found label 10 at index 2/,
    )
  })

  it('names what is missing', async () => {
    expect(await failure(mnist({ split: 'train', folder }))).toMatch(
      /one of train-images-idx3-ubyte, .*an empty folder/,
    )
    await write('train-images-idx3-ubyte', images)
    expect(await failure(mnist({ split: 'train', folder }))).toMatch(
      /one of train-labels-idx1-ubyte, .*\.gz, found train-images-idx3-ubyte/,
    )
    expect(await failure(mnist({ split: 'train', folder: join(folder, 'none') }))).toMatch(/no folder that can be read/)
    await rm(join(folder, 'train-images-idx3-ubyte'))
    await write('train-labels-idx1-ubyte', labels)
    await mkdirAt('train-images-idx3-ubyte')
    expect(await failure(mnist({ split: 'train', folder }))).toMatch(/a file that can be read/)
  })

  const mkdirAt = async (name: string) => (await import('node:fs/promises')).mkdir(join(folder, name))

  it('refuses options that are none', async () => {
    expect(await failure(mnist({ split: 'validation' as 'test' }), OptionError)).toMatch(/"train" or "test"/)
    expect(await failure(mnist({ split: 'toString' as 'test' }), OptionError)).toMatch(/got "toString"/)
    for (const limit of [0, -1, 1.5, NaN]) {
      expect(await failure(mnist({ split: 'test', limit }), OptionError)).toMatch(/^limit: expected a positive integer/)
    }
  })
})

it('unpacking stops at a bound', async () => {
  expect(await failure(gunzip(gzipSync(new Uint8Array(10_000)), 'bomb.gz', 1000))).toMatch(/at most 1000 bytes/)
})

it('an unknown data set is refused by a list of the known ones', () => {
  expect(datasetLoader('mnist')).toBe(mnist)
  expect(() => datasetLoader('mnits')).toThrow(OptionError)
  expect(() => datasetLoader('mnits')).toThrow('dataset: expected one of mnist, got "mnits"')
  expect(() => datasetLoader('constructor')).toThrow(OptionError)
})
