/**
 * Layers: computations with parameters, named and initialised as in PyTorch.
 *
 * What lives in src/nn: `Module` (the tree, names, training mode, freezing, state dicts), layers, initialisers, losses,
 * `summary`. What does not: operations without parameters (src/autograd/ops), whole networks (src/models), files
 * (src/weights).
 */
export { BatchNorm2d, type BatchNorm2dOptions } from './batch-norm-2d.js'
export { chain, residual, type Residual } from './chain.js'
export { Conv2d, type Conv2dOptions } from './conv2d.js'
export * as init from './init.js'
export { Linear, type LinearOptions } from './linear.js'
export { CrossEntropyLoss } from './losses.js'
export { type ForwardHook, Module } from './module.js'
export { AdaptiveAvgPool2d, AvgPool2d, type AvgPool2dOptions, MaxPool2d, type MaxPool2dOptions } from './pooling.js'
export { Sequential } from './sequential.js'
export { Dropout, Flatten, Identity, ReLU } from './simple.js'
export type { LoadReport, ReshapedTensor } from './match.js'
export type { Rename } from './rename.js'
export type { LoadOptions } from './state.js'
export type { NamedArray, StateDict, StateDictDtype, StoredArray } from './state-dict.js'
export { summary, type SummaryOptions } from './summary.js'
