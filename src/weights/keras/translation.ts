import { WeightsError } from '../../device/errors.js'
import { decodedTypes } from '../element-types.js'
import type { StoredTensor } from '../weights-file.js'
import type { Architecture } from './architectures.js'
import { kerasEpsilon, torchBatchNorm } from './batch-norm.js'
import type { Hdf5Dataset } from './datasets.js'
import type { Hdf5File } from './hdf5-file.js'
import type { KerasWeight } from './layers.js'
import { flattenedLayout, kernelLayout, type Layout, sameLayout } from './layout.js'
import type { LayerOptions } from './model-config.js'
import { readDataset } from './read-dataset.js'

/** What a file holds, and what is known of it. */
export interface KerasFile {
  readonly file: Hdf5File
  readonly weights: readonly KerasWeight[]
  /** Undefined for a network that torchvision does not have. */
  readonly architecture: Architecture | undefined
  readonly options: LayerOptions
}

interface Layer {
  readonly name: string
  /** torchvision's name of it; Keras' for a layer that torchvision does not have. */
  readonly module: string
  readonly isKnown: boolean
  readonly weights: Map<string, Hdf5Dataset>
}

type Named = [name: string, tensor: StoredTensor]

/** The names of weights in PyTorch, where they are not those of Keras. */
const torchNames = new Map([
  ['kernel', 'weight'],
  ['gamma', 'weight'],
  ['beta', 'bias'],
])

/** What layers of ResNet and VGG have. */
const knownKinds = ['kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance']

/**
 * The tensors of torchvision's network, in the order of the file. Layers that torchvision does not have keep Keras'
 * names, but have PyTorch's layouts: `dense/kernel:0` becomes `dense.weight`.
 *
 * @throws WeightsError where weights of a layer are missing, strange or there twice
 */
export function torchTensors(keras: KerasFile): Map<string, StoredTensor> {
  const layers = groupByLayer(keras)
  const convolutions = convolutionsBeforeBatchNorms(layers)
  const folded = new Set(convolutions.values())
  const tensors = new Map<string, StoredTensor>()
  for (const layer of layers) {
    const named = isBatchNorm(layer)
      ? batchNorm(keras, layer, convolutions.get(layer))
      : weights(keras, layer, folded.has(layer))
    for (const [name, tensor] of named) {
      const fullName = layer.module === '' ? name : `${layer.module}.${name}`
      if (tensors.has(fullName)) throw error(keras, layer.name, 'every layer once', `two that are "${fullName}"`)
      tensors.set(fullName, tensor)
    }
  }
  return tensors
}

/** By Keras' names. Of layers in each other, the one that torchvision has is meant, or else the innermost. */
function groupByLayer(keras: KerasFile): Layer[] {
  const layers = new Map<string, Layer>()
  for (const weight of keras.weights) {
    const known = weight.layers.find((name) => keras.architecture?.moduleOf(name) !== undefined)
    const name = known ?? weight.layers.at(-1) ?? ''
    const module = keras.architecture?.moduleOf(name) ?? name
    const layer = layers.get(name) ?? { name, module, isKnown: known !== undefined, weights: new Map() }
    layers.set(name, layer)
    if (layer.weights.has(weight.kind)) throw error(keras, name, `one ${weight.kind}`, 'two')
    if (layer.isKnown && !knownKinds.includes(weight.kind)) {
      const expected = `a layer of ${keras.architecture?.name} (${knownKinds.join(', ')})`
      throw error(keras, name, expected, `"${weight.kind}"; it is probably of another network`)
    }
    layer.weights.set(weight.kind, weight.dataset)
  }
  return [...layers.values()]
}

function isBatchNorm({ weights }: Layer): boolean {
  return weights.has('moving_mean') || weights.has('moving_variance')
}

/**
 * The convolution of each batch norm that has one: torchvision's have no bias where a batch norm follows, Keras' have,
 * and it becomes a part of the batch norm.
 */
function convolutionsBeforeBatchNorms(layers: readonly Layer[]): Map<Layer, Layer> {
  const known = layers.filter(({ isKnown }) => isKnown)
  const byModule = new Map(known.map((layer) => [layer.module, layer]))
  return new Map(
    known.filter(isBatchNorm).flatMap((layer) => {
      const module = layer.module.replace(/bn(\d)$/, 'conv$1').replace(/downsample\.1$/, 'downsample.0')
      const convolution = byModule.get(module)
      return convolution ? [[layer, convolution]] : []
    }),
  )
}

function batchNorm(keras: KerasFile, { name, isKnown, weights }: Layer, convolution: Layer | undefined): Named[] {
  const [mean, variance] = [weights.get('moving_mean'), weights.get('moving_variance')]
  if (!mean || !variance) throw error(keras, name, 'moving_mean and moving_variance', 'one of them')
  const { epsilon } = keras.options.get(name) ?? {}
  const usual = (isKnown ? keras.architecture?.epsilon : undefined) ?? kerasEpsilon
  const tensors = torchBatchNorm(keras.file, {
    gamma: weights.get('gamma'),
    beta: weights.get('beta'),
    mean,
    variance,
    epsilon: typeof epsilon === 'number' ? epsilon : usual,
    bias: convolution?.weights.get('bias'),
  })
  return Object.entries(tensors)
}

function weights(keras: KerasFile, layer: Layer, isFolded: boolean): Named[] {
  return [...layer.weights]
    .filter(([kind]) => !(kind === 'bias' && isFolded))
    .map(([kind, dataset]) => {
      const layout = kind === 'kernel' ? layoutOf(keras, layer, dataset) : sameLayout(dataset.shape)
      return [torchNames.get(kind) ?? kind, storedTensor(keras.file, dataset, layout)]
    })
}

/**
 * Besides the order of the dimensions: keras.applications shows its networks BGR images, torchvision RGB ones, and
 * flattens images in another order.
 */
function layoutOf({ architecture }: KerasFile, { name, module }: Layer, { shape }: Hdf5Dataset): Layout {
  if (shape.length < 2) return sameLayout(shape)
  const [rows, outputs] = [shape[0]!, shape[1]!]
  if (
    module === architecture?.flattened?.module &&
    shape.length === 2 &&
    rows % architecture.flattened.channels === 0
  ) {
    return flattenedLayout([rows, outputs], architecture.flattened.channels)
  }
  return kernelLayout(shape, name === architecture?.stem.layer && shape.at(-2) === 3)
}

function storedTensor(file: Hdf5File, dataset: Hdf5Dataset, layout: Layout): StoredTensor {
  const { storedType } = dataset
  const read = async () => Promise.resolve(readDataset(file, dataset, layout))
  return { shape: layout.shape, storedType, dtype: decodedTypes[storedType], read }
}

function error({ file }: KerasFile, layer: string, expected: string, found: string): WeightsError {
  return new WeightsError(file.name, { tensor: layer, expected, found })
}
