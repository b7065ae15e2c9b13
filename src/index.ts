/**
 * Daybreak's public API.
 *
 * `createEngine` opens a GPU; `models`, `datasets`, `transforms`, `optim` and `training` are the transfer-learning recipe;
 * `nn` and `ops` are for networks of your own; `weights` reads and writes state dicts. Every error is a `DaybreakError`.
 */
export { createEngine, Engine, type EngineOptions, type TensorOptions } from './autograd/engine.js'
export type { TuneOptions } from './tuning/open-tuner.js'
export type { TuningStore } from './tuning/store.js'
export type { TuneMode } from './tuning/tuner.js'
export { type DType, Tensor, type TensorData } from './autograd/tensor.js'
export type { Shape } from './autograd/shape.js'
export * as ops from './autograd/ops/index.js'
export * as nn from './nn/index.js'
export * as optim from './optim/index.js'
export * as weights from './weights/index.js'
export * as models from './models/index.js'
export * as data from './data/index.js'
export { datasets } from './data/index.js'
export * as transforms from './data/transforms.js'
export * as training from './training/index.js'
export {
  AdapterNotFoundError,
  AutogradError,
  DataError,
  DaybreakError,
  DeviceLostError,
  KernelError,
  NonFiniteLossError,
  OptionError,
  OutOfMemoryError,
  ShaderError,
  ShapeError,
  WeightsError,
} from './device/errors.js'
