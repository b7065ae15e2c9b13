/**
 * Weights in files: formats on disk <-> a `StateDict`, the named arrays that torchvision would write.
 *
 * Here live the file formats, one folder each (safetensors, PyTorch's pickles, NumPy's archives, Keras' HDF5, ONNX), and
 * published weights with their download. A reader gives a `WeightsFile`: what is in it is known at once, tensors are read
 * one at a time. Names and layouts are torchvision's own: `layer1.0.conv1.weight`, OIHW convolution weights, [out, in]
 * linear weights; formats with other conventions are translated by their readers.
 *
 * Not here: the conversion to the engine's own layouts and the matching of names with a model (`src/nn`, where
 * `loadStateDict()` and `stateDict()` are), and what a training checkpoint holds besides weights (`src/training`).
 */
export type { NamedArray, StateDict, StateDictDtype, StoredArray } from '../nn/state-dict.js'
export { atomicWrite } from '../device/node/atomic-write.js'
export type { DownloadProgress } from './download.js'
export type { ElementType } from './element-types.js'
export { type LoadedWeights, openWeights, readStateDict, writeStateDict } from './files.js'
export { inspectTensors, type TensorDescription } from './inspect.js'
export {
  isPublishedName,
  type PublishedName,
  publishedNames,
  type PublishedWeights,
  publishedWeights,
  resolveWeights,
  type ResolveWeightsOptions,
} from './published.js'
export { parseSafetensors } from './safetensors/reader.js'
export { encodeSafetensors } from './safetensors/writer.js'
export { elementCount, storedBytes, type StoredTensor, type WeightsFile, type WeightsFormat } from './weights-file.js'
