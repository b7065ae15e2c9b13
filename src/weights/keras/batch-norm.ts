import { WeightsError } from '../../device/errors.js'
import { elementCount, type StoredTensor } from '../weights-file.js'
import type { Hdf5Dataset } from './datasets.js'
import type { Hdf5File } from './hdf5-file.js'
import { sameLayout } from './layout.js'
import { readDataset } from './read-dataset.js'

/** What is added to variances, where nothing else is said: in Keras, and in PyTorch's `BatchNorm2d`. */
export const kerasEpsilon = 1e-3
export const torchEpsilon = 1e-5

/** What of a batch norm is in a file: `gamma` and `beta` are missing with `scale=False` and `center=False`. */
export interface KerasBatchNorm {
  readonly gamma?: Hdf5Dataset
  readonly beta?: Hdf5Dataset
  readonly mean: Hdf5Dataset
  readonly variance: Hdf5Dataset
  readonly epsilon: number
  /** That of the convolution before, where it is to become a part of the batch norm. */
  readonly bias?: Hdf5Dataset
}

/**
 * The tensors of PyTorch's `BatchNorm2d` that compute the same, by their names in it. Exactly, but for rounding:
 *
 * - a bias before a batch norm shifts its mean, (x + bias) - mean = x - (mean - bias)
 * - another epsilon shifts its variance, variance + epsilon = (variance + epsilon - 1e-5) + 1e-5
 *
 * @throws WeightsError where the sizes do not go together
 */
export function torchBatchNorm(file: Hdf5File, batchNorm: KerasBatchNorm): Record<string, StoredTensor> {
  const { gamma, beta, mean, variance, epsilon, bias } = batchNorm
  const channels = elementCount(mean.shape)
  for (const each of [gamma, beta, variance, bias]) {
    if (each && elementCount(each.shape) !== channels) throw wrongSize(file, each, channels)
  }
  const read = (dataset: Hdf5Dataset) => readDataset(file, dataset, sameLayout(dataset.shape)).data
  const stored = (dataset: Hdf5Dataset, data: () => Float32Array): StoredTensor => ({
    shape: [channels],
    storedType: dataset.storedType,
    dtype: 'float32',
    read: async () => Promise.resolve({ shape: [channels], dtype: 'float32', data: data() }),
  })
  const shift = epsilon - torchEpsilon
  return {
    weight: stored(gamma ?? mean, () => (gamma ? read(gamma) : new Float32Array(channels).fill(1))),
    bias: stored(beta ?? mean, () => (beta ? read(beta) : new Float32Array(channels))),
    running_mean: stored(mean, () => (bias ? difference(read(mean), read(bias)) : read(mean))),
    running_var: stored(variance, () => read(variance).map((value) => value + shift)),
  }
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, index) => value - b[index]!)
}

function wrongSize(file: Hdf5File, { path, shape }: Hdf5Dataset, channels: number): WeightsError {
  return new WeightsError(file.name, {
    tensor: path.slice(1),
    expected: `${channels} elements, as many as the batch norm has channels`,
    found: `the shape [${shape.join(', ')}]`,
  })
}
