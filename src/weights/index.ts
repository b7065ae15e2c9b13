/**
 * Weights in files: formats on disk <-> a `StateDict`, the named arrays that torchvision would write.
 *
 * Here live the file formats (safetensors), the atomic file writer, and the `StateDict` type. Names and layouts in a
 * state dict are torchvision's own: `layer1.0.conv1.weight`, OIHW convolution weights, [out, in] linear weights.
 *
 * Not here: the conversion to the engine's own layouts and the matching of names with a model (`src/nn`, where
 * `loadStateDict()` and `stateDict()` are), and what a training checkpoint holds besides weights (`src/training`).
 */
export { atomicWrite } from './atomic-write.js'
export { readStateDict, writeStateDict } from './files.js'
export {
  encodeSafetensors,
  parseSafetensors,
  parseSafetensorsFile,
  readSafetensorsMetadata,
  safetensorsChunks,
} from './safetensors.js'
export { elementCount, type NamedArray, type StateDict, type StateDictDtype, type WeightsFile } from './state-dict.js'
