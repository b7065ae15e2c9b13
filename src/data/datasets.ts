import { OptionError } from '../device/errors.js'
import type { ImageDataset } from './dataset.js'
import { mnist } from './mnist.js'

/** What every data set by name takes. */
export interface DatasetOptions {
  split: 'train' | 'test'
  /** Where the files are; each data set has a default. */
  folder?: string
  /** At most so many images, from the beginning. */
  limit?: number
}

export type DatasetLoader = (options: DatasetOptions) => Promise<ImageDataset>

/** The data sets that Daybreak knows by name. */
export const datasets = { mnist } satisfies Record<string, DatasetLoader>

export type DatasetName = keyof typeof datasets

/**
 * The loader of a data set by its name, as the command line gives it.
 *
 * @throws OptionError that lists the known names
 */
export function datasetLoader(name: string): DatasetLoader {
  if (Object.hasOwn(datasets, name)) return datasets[name as DatasetName]
  throw new OptionError('dataset', `one of ${Object.keys(datasets).join(', ')}`, name)
}
